/** Radstream's pages beside OHIF on the same archive: one after the other, again and again; prints a table. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, it } from 'vitest'
import { archive, launch, studies, type StudyRow } from '../e2e/browser'
import { type Contestant, OHIF, RADSTREAM } from './contestants'
import { median } from './medians'
import { framesOf, pictureAt, rememberClicks } from './watching'

const ROUNDS = Number(process.env.RADSTREAM_BENCH_ROUNDS ?? 5)
const READING_THE_LIST_MS = 3000

let browser: Browser
let study: StudyRow
/** How many images the study has, beside what was written about them. */
let images: number
const times = new Map<string, Map<string, number[]>>()

function note(what: string, who: Contestant, ms: number): void {
  const row = times.get(what) ?? new Map<string, number[]>()
  times.set(what, row.set(who.name, [...(row.get(who.name) ?? []), ms]))
  console.error(`${who.name}: ${what}: ${ms} ms`)
}

/** Does something with a browser that knows nothing of either viewer yet. */
async function fresh(act: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(45_000)
  await act(page)
  await context.close()
}

/** Both, in turns, so that what else the machine does befalls both. */
async function inTurns(act: (who: Contestant, page: Page) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 ? [OHIF, RADSTREAM] : [RADSTREAM, OHIF]
    for (const who of order) await fresh((page) => act(who, page))
  }
}

beforeAll(async () => {
  study = (await studies('sort=-instances&modality=CT'))[0] as StudyRow
  const found = await fetch(`${archive()}/dicom-web/studies/${study.StudyInstanceUID}/instances?Modality=CT&limit=1000`)
  images = ((await found.json()) as unknown[]).length
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  console.log(table())
})

it('the list', () =>
  inTurns(async (who, page) => {
    for (const cache of ['empty', 'full']) {
      const since = Date.now()
      await page.goto(`${archive()}/${who.list}`)
      await page.locator(who.row(study)).first().waitFor()
      note(`study list, cache ${cache}`, who, Date.now() - since)
      await page.waitForTimeout(READING_THE_LIST_MS)
    }
  }))

it('a study, from the list', () =>
  inTurns(async (who, page) => {
    const clickedAt = await rememberClicks(page)
    await page.goto(`${archive()}/${who.list}`)
    await page.locator(who.row(study)).first().waitFor()
    await who.settle(page)
    await page.waitForTimeout(READING_THE_LIST_MS)
    const { all } = framesOf(page, images)
    await page.locator(who.row(study)).first().dblclick()
    const first = await pictureAt(page, who.canvases, 1, who.preview)
    const values = await pictureAt(page, who.canvases)
    const since = await clickedAt()
    note('click to first picture', who, first - since)
    note('click to the image itself', who, values - since)
    note(`click to all ${images} images`, who, (await all) - since)
  }))

it('a study, by its address', () =>
  inTurns(async (who, page) => {
    const since = Date.now()
    await page.goto(`${archive()}/${who.viewer(study)}`)
    note('address to the image itself', who, (await pictureAt(page, who.canvases)) - since)
  }))

it('three planes', () =>
  inTurns(async (who, page) => {
    const { all } = framesOf(page, images)
    const since = Date.now()
    await who.planes(page, study, archive())
    note('address to three planes', who, (await pictureAt(page, who.planeCanvases, 3, who.planePreviews)) - since)
    note('address to three planes that can be moved', who, (await pictureAt(page, who.planeCanvases, 3)) - since)
    note('address to the whole volume', who, (await all) - since)
  }))

function table(): string {
  const rows = [...times].map(([what, row]) => {
    const [own, theirs] = [RADSTREAM, OHIF].map((who) => median(row.get(who.name) ?? []))
    const spread = [RADSTREAM, OHIF].map((who) => `${Math.min(...(row.get(who.name) ?? []))}–${Math.max(...(row.get(who.name) ?? []))}`)
    return `| ${what} | ${own} (${spread[0]}) | ${theirs} (${spread[1]}) | ${((theirs ?? 0) / (own ?? 1)).toFixed(1)} |`
  })
  return ['| ms, medians (least–most) | Radstream | OHIF | OHIF / Radstream |', '|---|---|---|---|', ...rows].join('\n')
}
