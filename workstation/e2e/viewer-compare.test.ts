import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Dataset } from '../src/archive/dataset.ts'
import { archive, indexed, screenshot, visit, type Visit } from './browser'
import { uid } from './images'
import { AXIAL, CORONAL, sendStudy, SIDE, SPACING_MM } from './phantoms'
import { picture, shown } from './pixels'
import { Stage, tool } from './stage'

const [thin, thick, crossed] = [uid(), uid(), uid()]
const COUNT = 24
const PERSON = `P${thin.slice(-8)}`
let visited: Visit
let first: Stage
let second: Stage

const rising = (from: number, step: number, count: number) => Array.from({ length: count }, (_, index) => from + step * index)

/** An image as bright as its place in the patient says, which its canvas then shows. */
const brightAs = (from: number, step: number) => (_column: number, _row: number, index: number) => (from + step * index) * 4 - 400

function of(patient: string, date: string): Dataset {
  return { '00100020': { vr: 'LO', Value: [patient] }, '00080020': { vr: 'DA', Value: [date] } }
}

async function grey(stage: Stage): Promise<number> {
  const { grid } = await picture(stage.page, stage.selector)
  return grid[(grid.length + 64) / 2] ?? 0
}

beforeAll(async () => {
  await sendStudy(thin, [{ places: rising(0, 2, 60), values: brightAs(0, 2) }], of(PERSON, '20260102'))
  await sendStudy(thick, [{ places: rising(50, 5, COUNT), values: brightAs(50, 5) }], of(PERSON, '20250102'))
  await sendStudy(crossed, [
    { places: rising(0, 8, COUNT / 2), lie: AXIAL, description: 'axial' },
    { places: rising(0, 16, COUNT / 2), lie: CORONAL, description: 'coronal' },
  ])
  await Promise.all([indexed(thin, 60), indexed(thick, COUNT), indexed(crossed, COUNT)])
  visited = await visit()
  first = new Stage(visited.page, 1)
  second = new Stage(visited.page, 2)
})
afterAll(() => visited?.browser.close())

describe('two studies side by side', () => {
  it('stay as far apart in the patient as they were linked, forwards and backwards', async () => {
    const { page } = visited
    await page.goto(`${archive()}/#/view/${thin},${thick}`)
    for (const stage of [first, second]) await stage.line(/image 1 of/).waitFor()
    const panel = page.getByRole('navigation', { name: 'Series' })
    await panel.getByRole('heading', { name: 'Prior 2025-01-02' }).waitFor()
    expect(await panel.getByRole('alert').count()).toBe(0)
    await second.cell.focus()
    for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowDown')
    await second.line('image 5 of 24').waitFor() // at 70 mm
    await tool(page, 'Link')
    await first.cell.focus()
    for (let step = 0; step < 10; step += 1) await page.keyboard.press('ArrowDown')
    await first.line('image 11 of 60').waitFor() // 20 mm on
    await second.line('image 9 of 24').waitFor() // 90 mm
    await expect.poll(async () => (await grey(second)) - (await grey(first)), { message: 'the pictures too are 70 mm apart' }).toBeGreaterThan(50)
    await second.cell.focus()
    for (let step = 0; step < 3; step += 1) await page.keyboard.press('ArrowUp')
    await second.line('image 6 of 24').waitFor() // 75 mm
    await first.line(/image [34] of 60/).waitFor() // between 4 and 6 mm: 5 is
    await screenshot(page, 'linked')
  })

  it('are scrolled each for itself when they are not linked', async () => {
    const { page } = visited
    await tool(page, 'Link')
    await first.cell.focus()
    await page.keyboard.press('End')
    await first.line('image 60 of 60').waitFor()
    await second.line('image 6 of 24').waitFor()
  })

  it('of two persons are told to be that', async () => {
    const { page } = visited
    await page.goto(`${archive()}/#/view/${thick},${crossed}`)
    await page.getByRole('navigation', { name: 'Series' }).getByRole('alert').getByText('Another patient: Known, Values').waitFor()
    await page.goto(`${archive()}/#/view/${thin},${thick}`)
    for (const stage of [first, second]) await stage.line(/image 1 of/).waitFor()
  })

  it('of which one stops at its end come together again', async () => {
    const { page } = visited
    await second.cell.focus()
    await tool(page, 'Link')
    await page.keyboard.press('End')
    await second.line('image 24 of 24').waitFor() // 115 mm on
    await first.line(/image 5[89] of 60/).waitFor() // 114 or 116 mm on
    await page.keyboard.press('Home')
    await first.line('image 1 of 60').waitFor()
    await tool(page, 'Link')
  })
})

describe('reference lines', () => {
  it('are where the plane that is looked at cuts the other', async () => {
    const { page } = visited
    await page.goto(`${archive()}/#/view/${crossed}`)
    await first.line('image 1 of 12').waitFor()
    await shown(page, undefined, first.selector)
    await page.getByLabel('Layout').selectOption('1×2')
    await second.cell.click({ position: { x: 5, y: 60 } })
    await page.getByRole('navigation', { name: 'Series' }).getByText('coronal').click()
    await second.line('image 1 of 12').waitFor()
    await first.cell.focus()
    for (let step = 0; step < 5; step += 1) await page.keyboard.press('ArrowDown')
    await first.line('image 6 of 12').waitFor() // at 40 mm
    await tool(page, 'Lines')
    // The coronal image's first row lies at 128 mm, the others 2 mm below each other.
    await expect.poll(() => lineRow(second)).toBeCloseTo((SIDE - 40) / SPACING_MM, 0)
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => lineRow(second), { message: 'at 48 mm' }).toBeCloseTo((SIDE - 48) / SPACING_MM, 0)
    await screenshot(page, 'lines')
  })

  it('turn round with the viewport that is looked at', async () => {
    const { page } = visited
    await second.cell.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await second.line('image 3 of 12').waitFor() // 32 mm behind the origin
    await expect.poll(() => lineRow(first)).toBeCloseTo(32 / SPACING_MM, 0)
    await tool(page, 'Lines')
    await expect.poll(() => second.cell.locator('svg line').count()).toBe(0)
    await expect.poll(() => first.cell.locator('svg line').count()).toBe(0)
  })

  it('went without a fault of the page', () => expect(visited.faults).toEqual([]))
})

/** The row of the image on which a level line lies; -1 without one. */
async function lineRow(stage: Stage): Promise<number> {
  const line = stage.cell.locator('svg line').first()
  if ((await line.count()) === 0) return -1
  const [y1, y2] = [Number(await line.getAttribute('y1')), Number(await line.getAttribute('y2'))]
  const { width, height } = await stage.box()
  return Math.abs(y1 - y2) > 1 ? -1 : (y1 - height / 2) / (Math.min(width, height) / SIDE) + (SIDE - 1) / 2
}
