import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Dataset, Element } from '../src/archive/dataset.ts'
import { archive, screenshot, visit, type Visit } from './browser'
import { image, send, uid } from './images'

/** What people have tried to make of a text: 30 shapes, each in ten kinds of wrapping. */
const SHAPES = [
  ...['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<svg onload=alert(1)>', '<iframe src=javascript:alert(1)>'],
  ...['"><script>alert(1)</script>', "'-alert(1)-'", '`${alert(1)}`', '{{constructor.constructor("alert(1)")()}}', '${alert(1)}'],
  ...['javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', '<a href="javascript:alert(1)">x</a>', '<b>bold</b>'],
  ...['&lt;script&gt;', '&#60;script&#62;', '<!-- comment', ']]><x/>', '<style>*{display:none}</style>', '<base href=//evil>'],
  ...['<meta http-equiv=refresh content=0>', '<form action=//evil>', '<math><mi xlink:href="data:x">', '<details open ontoggle=alert(1)>'],
  ...['%3Cscript%3E', '..%2f..%2fetc%2fpasswd', "'; DROP TABLE studies; --", '\u202egnp.exe', '\u200bzero\u200bwidth', 'A'.repeat(60), '﷽﷽﷽'],
]
const WRAPPINGS = ['', ' ', '"', "'", '>', '</td>', '</title>', '-->', '&', '#']
const STRINGS = SHAPES.flatMap((shape) => WRAPPINGS.map((wrapping) => `${wrapping}${shape}`.replaceAll('\\', '/').slice(0, 64).trim()))

/** Every attribute that a list, an overlay or a panel shows. */
const SHOWN: [tag: string, vr: string][] = [
  ...([['00080050', 'SH'], ['00081030', 'LO'], ['0008103E', 'LO'], ['00080080', 'LO'], ['00080090', 'PN']] as [string, string][]),
  ...([['00100010', 'PN'], ['00100020', 'LO'], ['00100030', 'DA'], ['00100040', 'CS'], ['00080060', 'CS']] as [string, string][]),
  ...([['00080020', 'DA'], ['00080030', 'TM'], ['00200010', 'SH'], ['00204000', 'LT'], ['00080070', 'LO']] as [string, string][]),
]

let visited: Visit
const sent: string[][] = []
const study = uid()

function hostile(strings: string[]): Dataset {
  const element = ([tag, vr]: [string, string], index: number): [string, Element] => [tag, { vr, Value: [strings[index] ?? ''] }]
  return Object.fromEntries(SHOWN.map(element))
}

beforeAll(async () => {
  for (let at = 0; at < STRINGS.length; at += SHOWN.length) {
    const strings = STRINGS.slice(at, at + SHOWN.length)
    sent.push(strings)
    await send(image(at === 0 ? study : uid(), hostile(strings)))
  }
  visited = await visit()
  await visited.page.evaluate(() => {
    const seen: string[] = []
    Object.assign(globalThis, { violations: seen })
    addEventListener('securitypolicyviolation', (event) => seen.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))
  })
}, 180_000)
afterAll(() => visited?.browser.close())

it(`shows ${STRINGS.length} hostile strings as text in the list`, async () => {
  const { page, faults } = visited
  await page.getByRole('grid').waitFor()
  await page.setViewportSize({ width: 1440, height: 2600 })
  for (const strings of sent.slice(0, 20)) await page.getByText(strings[6] ?? '', { exact: true }).first().waitFor({ state: 'attached' })
  expect(await page.evaluate(() => document.querySelectorAll('#root script, #root iframe, #root svg:not([role]), #root form:not([role]), #root base, #root meta, #root style').length)).toBe(0)
  await screenshot(page, 'hostile')
  expect(faults).toEqual([])
})

it('shows them as text in the viewer and its panels', async () => {
  const { page, faults } = visited
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.evaluate((uid) => (location.hash = `#/view/${uid}`), study)
  const overlay = page.locator('.overlay').first()
  const [accession, description, , institution] = sent[0] ?? []
  for (const text of [accession, description, institution]) await overlay.getByText(text ?? '', { exact: true }).first().waitFor()
  await page.getByRole('button', { name: 'Tags' }).click()
  const tags = page.getByRole('complementary', { name: 'Tags' })
  for (const text of [accession, description, institution]) await tags.getByText(text ?? '', { exact: true }).first().waitFor()
  await screenshot(page, 'hostile-viewer')
  expect(await page.evaluate(() => (globalThis as unknown as { violations: string[] }).violations)).toEqual([])
  expect(faults).toEqual([])
  expect(page.url()).toContain(archive())
})
