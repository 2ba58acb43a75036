import type { CDPSession } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { indexed, screenshot, visit, type Visit } from './browser'
import { uid } from './images'
import { sendStudy, SIDE } from './phantoms'
import { shown } from './pixels'
import { type Point, Stage } from './stage'

const study = uid()
const MIDDLE: Point = [(SIDE - 1) / 2, (SIDE - 1) / 2]
let visited: Visit
let stage: Stage
let session: CDPSession

const zoom = async () => Number(/(\d+) %/.exec((await stage.line(/ %$/).textContent()) ?? '')?.[1])
const moved = ([column, row]: Point, by: Point): Point => [column + by[0], row + by[1]]

/** Puts fingers down, moves each along its way in `STEPS`, and lifts them. */
async function touch(...ways: [from: Point, to: Point][]): Promise<void> {
  const STEPS = 10
  for (let step = 0; step <= STEPS; step += 1) {
    const between = ([from, to]: [Point, Point]) => moved(from, [((to[0] - from[0]) * step) / STEPS, ((to[1] - from[1]) * step) / STEPS])
    const places = await Promise.all(ways.map((way) => stage.at(between(way))))
    const touchPoints = places.map(([x, y], id) => ({ x, y, id }))
    await session.send('Input.dispatchTouchEvent', { type: step === 0 ? 'touchStart' : 'touchMove', touchPoints })
    await visited.page.waitForTimeout(30)
  }
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
}

beforeAll(async () => {
  await sendStudy(study, [{ places: Array.from({ length: 30 }, (_, index) => index * 2) }])
  await indexed(study, 30)
  visited = await visit(`#/view/${study}`, { hasTouch: true, viewport: { width: 820, height: 1180 } })
  session = await visited.page.context().newCDPSession(visited.page)
  stage = new Stage(visited.page)
  await stage.line('image 1 of 30').waitFor()
  await shown(visited.page)
})
afterAll(() => visited?.browser.close())

it('one finger scrolls', async () => {
  await touch([moved(MIDDLE, [0, 30]), moved(MIDDLE, [0, -20])].reverse() as [Point, Point])
  await stage.line(/image ([5-9]|[12]\d|30) of 30/).waitFor()
  await screenshot(visited.page, 'touch')
})

it('two fingers apart make the picture larger, together smaller', async () => {
  const before = await zoom()
  await touch([moved(MIDDLE, [-8, 0]), moved(MIDDLE, [-40, 0])], [moved(MIDDLE, [8, 0]), moved(MIDDLE, [40, 0])])
  await expect.poll(zoom).toBeGreaterThan(before * 1.3)
  const larger = await zoom()
  await touch([moved(MIDDLE, [-40, 0]), moved(MIDDLE, [-20, 0])], [moved(MIDDLE, [40, 0]), moved(MIDDLE, [20, 0])])
  await expect.poll(zoom).toBeLessThan(larger * 0.9)
})

it('a finger takes whatever tool is chosen', async () => {
  await visited.page.getByRole('button', { name: 'Window', exact: true }).tap()
  const before = await stage.line(/^W /).textContent()
  await touch([MIDDLE, moved(MIDDLE, [25, 10])])
  await expect.poll(() => stage.line(/^W /).textContent()).not.toBe(before)
})

it('went without a fault of the page', () => expect(visited.faults).toEqual([]))
