import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { archive, indexed, screenshot, studies, visit, type Visit } from './browser'
import { uid } from './images'
import { sendStudy, SIDE } from './phantoms'
import { difference, greyAt, type Picture, shown } from './pixels'
import { type Point, Stage, tool } from './stage'

const study = uid()
const MIDDLE: Point = [(SIDE - 1) / 2, (SIDE - 1) / 2]
/** Black, with a white square at the upper left: of 8 by 8 pixels around column 36, row 28. */
const MARK: Point = [36, 28]
const marked = (column: number, row: number) => (Math.abs(column - MARK[0]) <= 4 && Math.abs(row - MARK[1]) <= 4 ? 400 : -600)

let visited: Visit
let stage: Stage
const button = (name: string) => visited.page.getByRole('button', { name, exact: true }).click()
const mirrored = (along: number) => SIDE - 1 - along

/** Waits until the mark is seen where `point` of the image as it lay at first is on the screen, and only there. */
async function markIsAt(point: Point, message: string): Promise<void> {
  const whites = async () => {
    const places: Point[] = [point, MARK, [mirrored(MARK[0]), MARK[1]], [MARK[0], mirrored(MARK[1])], [mirrored(MARK[1]), MARK[0]]]
    const seen = await Promise.all(places.map(async (place) => [String(place), (await greyAt(stage, place)) > 200] as const))
    return [...new Set(seen.filter(([, isWhite]) => isWhite).map(([place]) => place))]
  }
  await expect.poll(whites, { message }).toEqual([String(point)])
}

beforeAll(async () => {
  await sendStudy(study, [{ places: [0, 2, 4], values: marked }])
  await indexed(study, 3)
  visited = await visit(`#/view/${study}`)
  stage = new Stage(visited.page)
  await stage.line('image 1 of 3').waitFor()
  await shown(visited.page)
})
afterAll(() => visited?.browser.close())

describe('a picture', () => {
  it('is drawn where it belongs', () => markIsAt(MARK, 'as it was stored'))

  it('is flipped and turned, each in its direction', async () => {
    await button('Flip left to right')
    await markIsAt([mirrored(MARK[0]), MARK[1]], 'left to right')
    await button('Flip left to right')
    await button('Flip top to bottom')
    await markIsAt([MARK[0], mirrored(MARK[1])], 'top to bottom')
    await button('Flip top to bottom')
    await button('Rotate')
    await markIsAt([mirrored(MARK[1]), MARK[0]], 'clockwise')
    for (let turn = 0; turn < 3; turn += 1) await button('Rotate')
    await markIsAt(MARK, 'all the way round')
  })

  it('is inverted, and comes back', async () => {
    await button('Invert')
    await expect.poll(() => greyAt(stage, MARK)).toBeLessThan(50)
    await expect.poll(() => greyAt(stage, MIDDLE)).toBeGreaterThan(200)
    await button('Invert')
    await markIsAt(MARK, 'not inverted')
  })

  it('is moved as far as the hand moves', async () => {
    await tool(visited.page, 'Pan')
    await stage.drag([MARK, [MARK[0] + 40, MARK[1] + 30]])
    await expect.poll(() => greyAt(stage, [MARK[0] + 40, MARK[1] + 30])).toBeGreaterThan(200)
    await expect.poll(() => greyAt(stage, MARK)).toBeLessThan(50)
    await button('Reset')
    await markIsAt(MARK, 'reset')
  })

  it('is made larger, with the middle button moved, and is as at first after a reset', async () => {
    const zoom = async () => Number(/(\d+) %/.exec((await stage.line(/ %$/).textContent()) ?? '')?.[1])
    const before = await zoom()
    await tool(visited.page, 'Zoom')
    await stage.drag([MIDDLE, [MIDDLE[0], MIDDLE[1] + 30]])
    await expect.poll(zoom).toBeGreaterThan(before * 1.1)
    const larger = await zoom()
    await stage.drag([[MIDDLE[0], MIDDLE[1] + 30], MIDDLE], 'right')
    await expect.poll(zoom).toBeLessThan(larger)
    await button('Reset')
    await expect.poll(zoom).toBe(before)
    await stage.drag([MIDDLE, [MIDDLE[0] + 20, MIDDLE[1]]], 'middle')
    await expect.poll(() => greyAt(stage, [MARK[0] + 20, MARK[1]])).toBeGreaterThan(200)
    await button('Reset')
    await markIsAt(MARK, 'reset')
  })

  it('has a part of it magnified under the hand, as long as it is held', async () => {
    const { page } = visited
    await tool(page, 'Magnify')
    await page.mouse.move(...(await stage.at(MARK)))
    await page.mouse.down()
    const glass = stage.cell.locator('.magnifyTool')
    await expect.poll(() => greyAt(stage, MARK, '.magnifyTool canvas')).toBeGreaterThan(200)
    await page.mouse.move(...(await stage.at([MARK[0] + 1, MARK[1] + 1])), { steps: 4 })
    await expect.poll(() => greyAt(stage, MARK, '.magnifyTool canvas'), { message: 'the mark fills the glass' }).toBeGreaterThan(200)
    await screenshot(page, 'magnify')
    await page.mouse.up()
    await glass.waitFor({ state: 'detached' })
    await tool(page, 'Window')
  })
})

describe('layouts', () => {
  it('have as many viewports as their names say', async () => {
    const { page } = visited
    for (const layout of ['1×2', '1×3', '2×1', '2×2', '2×3', '3×3', '1×1']) {
      await page.getByLabel('Layout').selectOption(layout)
      const [rows = 1, columns = 1] = layout.split('×').map(Number)
      await expect.poll(() => page.locator('.cells > .cell').count()).toBe(rows * columns)
      await shown(page)
    }
    await markIsAt(MARK, 'as it was in the first layout')
  })

  it('show the same series twice, each scrolled for itself', async () => {
    const { page } = visited
    const second = new Stage(page, 2)
    await page.getByLabel('Layout').selectOption('2×2')
    await second.cell.click()
    await page.getByRole('navigation', { name: 'Series' }).getByRole('button').first().click()
    await second.line('image 1 of 3').waitFor()
    await second.cell.hover()
    await page.mouse.wheel(0, 100)
    await second.line('image 2 of 3').waitFor()
    await stage.line('image 1 of 3').waitFor()
    await screenshot(page, 'layout')
  })

  it('are chosen by modality: the sequences of an MR side by side', async () => {
    const { page } = visited
    const [brain] = await studies('modality=MR')
    await page.goto(`${archive()}/#/view/${brain?.StudyInstanceUID}`)
    await expect.poll(() => page.getByLabel('Layout').inputValue()).toBe('1×3')
    const pictures: Picture[] = []
    for (const [index, weighting] of ['T1', 'T2', 'FLAIR'].entries()) {
      const cell = new Stage(page, index + 1)
      await cell.line(weighting).waitFor()
      pictures.push(await shown(page, undefined, cell.selector))
    }
    const [t1, t2, flair] = pictures as [Picture, Picture, Picture]
    for (const [one, other] of [[t1, t2], [t2, flair], [t1, flair]] as const) expect(difference(one, other)).toBeGreaterThan(2)
    await screenshot(page, 'sequences')
  })

  it('went without a fault of the page', () => expect(visited.faults).toEqual([]))
})
