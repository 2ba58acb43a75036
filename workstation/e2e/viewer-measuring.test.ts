import { afterAll, beforeAll, expect, it } from 'vitest'
import { indexed, screenshot, visit, type Visit } from './browser'
import { uid } from './images'
import { sendStudy, SIDE, SPACING_MM, valueAt } from './phantoms'
import { shown } from './pixels'
import { type Point, Stage, tool } from './stage'

/** Tools compute anew at most every tenth of a second while something is drawn. */
const STATISTICS_LAG_MS = 300

const study = uid()
let visited: Visit
let stage: Stage

/** What the panel says of the last measurement: its words, and its numbers in their order. */
async function last(): Promise<{ words: string; numbers: number[] }> {
  const words = (await visited.page.locator('.measurements li').last().getByRole('button').first().textContent()) ?? ''
  return { words, numbers: [...words.matchAll(/-?\d+\.\d/g)].map(Number) }
}

async function measured(name: string, words: RegExp): Promise<number[]> {
  await expect.poll(async () => (await last()).words, { message: name }).toMatch(words)
  await visited.page.waitForTimeout(STATISTICS_LAG_MS)
  return (await last()).numbers
}

/** Mean and deviation of all pixels whose middle lies where `isInside` says. */
function statistics(isInside: (column: number, row: number) => boolean): { mean: number; deviation: number } {
  const inside = Array.from({ length: SIDE * SIDE }, (_, at): Point => [at % SIDE, Math.floor(at / SIDE)]).filter((at) => isInside(...at))
  const values = inside.map((at) => valueAt(...at))
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) }
}

beforeAll(async () => {
  await sendStudy(study, [{ places: [0] }])
  await indexed(study, 1)
  visited = await visit(`#/view/${study}`)
  stage = new Stage(visited.page)
  await stage.line('image 1 of 1').waitFor()
  await shown(visited.page)
  await tool(visited.page, 'Measurements')
})
afterAll(() => visited?.browser.close())

it('a length is that of the distance in the patient', async () => {
  await tool(visited.page, 'Length')
  await stage.drag([[20, 20], [50, 60]])
  const [length = 0] = await measured('Length', /^Length .* mm$/)
  expect(length).toBeCloseTo(50 * SPACING_MM, 0)
})

it('an angle is the one between its arms', async () => {
  await tool(visited.page, 'Angle')
  await stage.drag([[90, 20], [60, 20]])
  await stage.click([80, 40])
  const [angle = 0] = await measured('Angle', /^Angle 4.* °$/)
  expect(Math.abs(angle - 45)).toBeLessThan(1)
})

it('a probe tells the value of its pixel', async () => {
  await tool(visited.page, 'Probe')
  for (const [column, row] of [[102.7, 89.7], [103, 90], [103.3, 90.3]] as Point[]) {
    await stage.drag([[100, 30], [column, row]])
    expect(await measured('Probe', /^Probe .* HU$/)).toEqual([valueAt(103, 90)])
    await visited.page.getByRole('button', { name: 'Delete Probe' }).click()
  }
})

it('an ellipse has the mean and deviation of what lies in it', async () => {
  await tool(visited.page, 'Ellipse')
  const [centre, [a, b]]: [Point, Point] = [[40, 95], [18.3, 12.4]]
  await stage.drag([centre, [centre[0] + a, centre[1] + b]])
  const [mean = 0, deviation = 0, area = 0] = await measured('EllipticalROI', /^EllipticalROI Mean .* HU · Standard Deviation .* HU · Area .* mm²$/)
  const own = statistics((column, row) => ((column - centre[0]) / a) ** 2 + ((row - centre[1]) / b) ** 2 <= 1)
  // The mouse is told in whole points of the screen: here a seventh of a pixel of the image.
  expect(Math.abs(mean - own.mean), `mean ${mean}, of the pixels ${own.mean}`).toBeLessThan(0.8)
  expect(Math.abs(deviation - own.deviation), `deviation ${deviation}, of the pixels ${own.deviation}`).toBeLessThan(0.6)
  expect(Math.abs(area / (Math.PI * a * b * SPACING_MM ** 2) - 1), `area ${area}`).toBeLessThan(0.02)
})

it('a rectangle has the mean and deviation of what lies in it', async () => {
  await tool(visited.page, 'Rectangle')
  await stage.drag([[69.6, 69.6], [100.4, 110.4]])
  const [mean = 0, deviation = 0, area = 0] = await measured('RectangleROI', /^RectangleROI Mean/)
  const own = statistics((column, row) => column >= 70 && column <= 100 && row >= 70 && row <= 110)
  expect(mean).toBeCloseTo(own.mean, 1)
  expect(Math.abs(deviation - own.deviation), `deviation ${deviation}, of the pixels ${own.deviation}`).toBeLessThan(0.2)
  expect(Math.abs(area / (30.8 * 40.8 * SPACING_MM ** 2) - 1), `area ${area}`).toBeLessThan(0.02)
  await screenshot(visited.page, 'measuring')
})

it('a drawing that was not ended is taken away with its tool, and by Escape', async () => {
  const { page } = visited
  const marks = () => page.locator('.measurements li').count()
  const before = await marks()
  for (const leave of [() => tool(page, 'Length'), () => page.keyboard.press('Escape')]) {
    await tool(page, 'Angle')
    await stage.drag([[30, 10], [60, 10]])
    await expect.poll(marks).toBe(before + 1)
    await leave()
    await expect.poll(marks).toBe(before)
  }
  await stage.line('image 1 of 1').waitFor()
})

it('went without a fault of the page', () => expect(visited.faults).toEqual([]))
