import { afterAll, beforeAll, expect, it } from 'vitest'
import { archive, studies, visit, type Visit } from './browser'
import { type Picture, picture, shown } from './pixels'
import { Stage } from './stage'

const COUNT = 24
const SLOW_BYTES_PER_S = 20_000_000 / 8
let visited: Visit
let stage: Stage
const accepted: string[] = []
let asStored: Picture

/** Opens the study, and waits until all of it is here and its last image is seen. */
async function opened(): Promise<Picture> {
  await stage.line(`image 1 of ${COUNT}`).waitFor()
  await shown(visited.page)
  await expect.poll(() => stage.cell.getByText('images here').count(), { timeout: 20_000 }).toBe(0)
  await stage.cell.focus()
  await visited.page.keyboard.press('End')
  await stage.line(`image ${COUNT} of ${COUNT}`).waitFor()
  await expect.poll(() => stage.cell.locator('.cover').count()).toBe(0)
  return picture(visited.page)
}

beforeAll(async () => {
  const chest = (await studies('modality=CT')).find((each) => each.NumberOfStudyRelatedInstances === COUNT)
  visited = await visit()
  stage = new Stage(visited.page)
  visited.page.on('request', (request) => request.url().includes('/frames/') && accepted.push(request.headers().accept ?? ''))
  await visited.page.goto(`${archive()}/#/view/${chest?.StudyInstanceUID}`)
})
afterAll(() => visited?.browser.close())

it('over a fast link frames are asked for as they are stored', async () => {
  asStored = await opened()
  expect(accepted.filter((each) => each.includes('jphc'))).toEqual([])
})

it('over a slow link frames are asked for in HTJ2K, and are the same pictures', async () => {
  const session = await visited.page.context().newCDPSession(visited.page)
  await session.send('Network.enable')
  await session.send('Network.setCacheDisabled', { cacheDisabled: true })
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 20, downloadThroughput: SLOW_BYTES_PER_S, uploadThroughput: SLOW_BYTES_PER_S })
  accepted.length = 0
  await visited.page.reload()
  const seen = await opened()
  expect(accepted.filter((each) => each.includes('jphc')).length, 'frames in HTJ2K').toBeGreaterThan(COUNT / 2)
  expect(seen.grid).toEqual(asStored.grid)
})

it('went without a fault of the page', () => expect(visited.faults).toEqual([]))
