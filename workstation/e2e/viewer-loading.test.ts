import { readFileSync } from 'node:fs'
import type { Route } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { archive, indexed, screenshot, visit, type Visit } from './browser'
import { uid } from './images'
import { sendStudy } from './phantoms'
import { greyAt, shown } from './pixels'
import { Stage } from './stage'

const [study, other] = [uid(), uid()]
const COUNT = 40
let visited: Visit
let stage: Stage

/** Answers requests for frames of a study as `answer` says; returns how to go back to the archive's own answers. */
async function frames(of: string, answer: (route: Route) => unknown): Promise<() => Promise<void>> {
  const pattern = `**/studies/${of}/**/frames/1`
  await visited.page.route(pattern, answer)
  return () => visited.page.unroute(pattern)
}

/** Every image as bright as its number says. */
const brightAsNumber = (_column: number, _row: number, index: number) => (index === 0 ? -400 : 300)

beforeAll(async () => {
  await sendStudy(study, [{ places: Array.from({ length: COUNT }, (_, index) => index), values: brightAsNumber }])
  await sendStudy(other, [{ places: [0, 1, 2] }])
  await Promise.all([indexed(study, COUNT), indexed(other, 3)])
  visited = await visit()
  stage = new Stage(visited.page)
})
afterAll(() => visited?.browser.close())

it('while an image is on its way, nothing that is not it is shown as if it were', async () => {
  const { page } = visited
  const late: Route[] = []
  let answered = 0
  const back = await frames(study, (route) => ((answered += 1) > 1 ? void late.push(route) : route.continue()))
  await page.goto(`${archive()}/#/view/${study}`)
  await stage.line(`image 1 of ${COUNT}`).waitFor()
  await expect.poll(() => greyAt(stage, [20, 20]), { message: 'dark, as the first is' }).toBeLessThan(40)
  await page.waitForFunction(() => !document.querySelector('.preview'))
  await stage.line(new RegExp(`^[12] of ${COUNT} images here`)).waitFor()
  await stage.cell.focus()
  await page.keyboard.press('End')
  await stage.line(`image ${COUNT} of ${COUNT}`).waitFor()
  await stage.cell.getByText(`Image ${COUNT} is on its way…`).waitFor()
  await screenshot(page, 'late')
  await back()
  await Promise.all(late.map((route) => route.continue().catch(() => undefined)))
  await expect.poll(() => greyAt(stage, [20, 20])).toBeGreaterThan(150)
  await expect.poll(() => stage.cell.getByText('is on its way').count()).toBe(0)
  await expect.poll(() => stage.cell.getByText('images here').count()).toBe(0)
})

it('an image that fails among others is told when it is looked at, and asked for again alone', async () => {
  const { page, faults } = visited
  const asked: string[] = []
  let failing = ''
  const back = await frames(other, (route) => {
    asked.push(route.request().url())
    failing ||= route.request().url()
    return route.request().url() === failing ? route.fulfill({ status: 503 }) : route.continue()
  })
  await page.goto(`${archive()}/#/view/${other}`)
  await stage.cell.getByText('Image 1 cannot be shown: the archive answered 503').waitFor()
  await stage.cell.focus()
  await page.keyboard.press('ArrowDown')
  await stage.line('image 2 of 3').waitFor()
  await shown(page)
  await expect.poll(() => stage.cell.getByRole('alert').count()).toBe(0)
  await page.keyboard.press('Home')
  await stage.cell.getByRole('alert').waitFor()
  await screenshot(page, 'failed-one')
  const before = asked.length
  failing = 'none'
  await stage.cell.getByRole('button', { name: 'Try this image again' }).click()
  await expect.poll(() => stage.cell.getByRole('alert').count()).toBe(0)
  await shown(page)
  expect(asked.length - before, 'requests').toBe(1)
  await back()
  faults.length = 0 // the refusals above
})

it('a series whose attributes cannot be had is told, with its reason', async () => {
  const { page, faults } = visited
  await page.route('**/metadata', (route) => route.fulfill({ status: 503, body: '{"detail":"the store is away"}' }))
  await page.goto(`${archive()}/#/`)
  await page.goto(`${archive()}/#/view/${other}`)
  await page.getByRole('navigation', { name: 'Series' }).getByText('the store is away').waitFor()
  await page.unroute('**/metadata')
  faults.length = 0
})

it('the whole study, a series, and the picture that is seen can be taken along', async () => {
  const { page } = visited
  await page.goto(`${archive()}/#/`)
  await page.goto(`${archive()}/#/view/${other}`)
  await stage.line('image 1 of 3').waitFor()
  await shown(page)
  await page.getByText('Download', { exact: true }).click()
  for (const name of ['Study (DICOM, ZIP)', 'Series (DICOM, ZIP)']) {
    const address = await page.getByRole('link', { name }).getAttribute('href')
    const answer = await fetch(address ?? '')
    expect(answer.headers.get('content-type')).toBe('application/zip')
    const zip = Buffer.from(await answer.arrayBuffer())
    expect(zip.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
    expect(zip.includes('DICOMDIR'), name).toBe(true)
    expect(zip.toString('latin1').split('DICM').length - 1, 'files').toBeGreaterThanOrEqual(4)
  }
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Picture (PNG)' }).click()
  const picture = await download
  expect(picture.suggestedFilename()).toBe('image-1.png')
  const path = await picture.path()
  expect(readFileSync(path).subarray(1, 4).toString()).toBe('PNG')
})

it('went without a fault of the page', () => expect(visited.faults).toEqual([]))
