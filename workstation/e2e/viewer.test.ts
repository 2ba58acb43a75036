import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { archive, screenshot, studies, type StudyRow, visit, type Visit } from './browser'
import { type Picture, shown } from './pixels'

let visited: Visit
let ct: StudyRow

const label = (text: RegExp | string) => visited.page.locator('.overlay').first().getByText(text).first()
const tool = (name: string) => visited.page.getByRole('toolbar').getByRole('button', { name, exact: true }).click()

async function drag(points: [number, number][]): Promise<void> {
  const box = await visited.page.locator('.cell').first().boundingBox()
  if (!box) throw new Error('no viewport')
  const at = ([x, y]: [number, number]) => [box.x + box.width * x, box.y + box.height * y] as const
  const [first, ...others] = points.map(at)
  await visited.page.mouse.move(...(first ?? [0, 0]))
  await visited.page.mouse.down()
  for (const point of others) await visited.page.mouse.move(...point, { steps: 6 })
  await visited.page.mouse.up()
}

beforeAll(async () => {
  ct = (await studies('sort=-instances&modality=CT'))[0] as StudyRow
  visited = await visit()
})
afterAll(() => visited?.browser.close())

describe('a long CT', () => {
  let first: Picture

  it('is opened from the list, and its first image is on the canvas', async () => {
    const { page } = visited
    await page.getByRole('searchbox').fill(ct.PatientName?.Alphabetic?.split('^')[0] ?? '')
    await page.getByRole('row').filter({ hasText: `${ct.NumberOfStudyRelatedInstances} in ` }).first().dblclick()
    await label('image 1 of').waitFor()
    first = await shown(page)
    await page.waitForFunction(() => !document.querySelector('.preview'))
    await screenshot(page, 'viewer')
  })

  it('is scrolled to its last image', async () => {
    const { page } = visited
    const cell = page.locator('.cell').first()
    await cell.hover()
    await page.mouse.wheel(0, 300)
    await label(/image [2-9]\d* of/).waitFor()
    await page.keyboard.press('End')
    const total = /of (\d+)/.exec((await label(/image \d+ of/).textContent()) ?? '')?.[1]
    await label(`image ${total} of`).waitFor()
    await shown(page, first)
    await page.keyboard.press('Home')
    for (let step = 0; step < 12; step += 1) await page.keyboard.press('PageDown')
    await label('image 121 of').waitFor()
    first = await shown(page, first)
  })

  it('is windowed by preset and by drag, and keeps its window while it is scrolled', async () => {
    const { page } = visited
    await page.getByLabel('Window preset').selectOption('Lung')
    await label('W 1500 C -600').waitFor()
    const lung = await shown(page, first, '.cell', 2)
    await page.keyboard.press('ArrowDown')
    await label('image 122 of').waitFor()
    await label('W 1500 C -600').waitFor()
    await page.keyboard.press('ArrowUp')
    await drag([
      [0.4, 0.4],
      [0.6, 0.5],
    ])
    await shown(page, lung)
    await page.getByLabel('Window preset').selectOption('Soft tissue')
    await label('W 400 C 40').waitFor()
  })

  it('is turned, flipped and inverted, and its markers with it', async () => {
    const { page } = visited
    const before = await shown(page)
    const right = page.locator('.marker.right')
    expect(await right.textContent()).toBe('L')
    await page.getByRole('button', { name: 'Flip left to right' }).click()
    await expect.poll(() => right.textContent()).toBe('R')
    await page.getByRole('button', { name: 'Rotate' }).click()
    await expect.poll(async () => `${await right.textContent()}${await page.locator('.marker.top').textContent()}`).toMatch(/^[AP][LR]$/)
    await page.getByRole('button', { name: 'Invert' }).click()
    const inverted = await shown(page, before, '.cell', 10)
    await page.getByRole('button', { name: 'Reset' }).click()
    await shown(page, inverted, '.cell', 10)
    await expect.poll(() => right.textContent()).toBe('L')
  })

  it('is measured', async () => {
    const { page } = visited
    await tool('Measurements')
    await tool('Length')
    await drag([
      [0.4, 0.4],
      [0.55, 0.4],
    ])
    await tool('Ellipse')
    await drag([
      [0.45, 0.5],
      [0.52, 0.6],
    ])
    const list = page.getByRole('complementary', { name: 'Measurements' })
    await list.getByText(/Length \d+\.\d mm/).last().waitFor()
    await list.getByText(/EllipticalROI Mean -?\d+\.\d HU · Standard Deviation \d+\.\d HU · Area \d+\.\d mm²/).last().waitFor()
    await screenshot(page, 'measurements')
  })

  it('has its measurements saved as a report, which is read back after a reload', async () => {
    const { page } = visited
    const list = page.getByRole('complementary', { name: 'Measurements' })
    const own = list.locator('.measurements').getByRole('listitem').last()
    const written = await own.textContent()
    await list.getByRole('button', { name: 'Save as report' }).click()
    await list.getByText('Measurements saved.').waitFor()
    await expect.poll(async () => (await studies(`uids=${ct.StudyInstanceUID}`))[0]?.ModalitiesInStudy, { timeout: 20_000 }).toContain('SR')
    await page.reload()
    await label('image 1 of').waitFor()
    await tool('Measurements')
    await list.getByRole('button', { name: /^Length/ }).last().click()
    await label('image 121 of').waitFor()
    await page.locator('.cell svg line').first().waitFor({ state: 'attached' })
    await expect.poll(() => own.textContent(), { timeout: 20_000 }).toBe(written)
    await screenshot(page, 'measurements-read-back')
    await page.getByRole('navigation', { name: 'Series' }).getByText('Measurements').first().click()
    await page.locator('.report').getByText('Imaging Measurement Report').waitFor()
    await page.getByRole('navigation', { name: 'Series' }).getByRole('button').first().click()
    await label('image 1 of').waitFor()
    await tool('Measurements')
  })

  it('is played', async () => {
    const { page } = visited
    await shown(page)
    await tool('▶ Cine')
    const seen = new Set<string>()
    for (let look = 0; look < 20; look += 1) {
      seen.add((await page.locator('.overlay').first().textContent()) ?? '')
      await page.waitForTimeout(100)
    }
    expect(seen.size, 'pictures that were seen within two seconds').toBeGreaterThan(3)
    await tool('❚❚ Stop')
  })

  it('is shown in three planes', async () => {
    const { page } = visited
    await tool('MPR')
    for (const plane of ['axial', 'sagittal', 'coronal']) {
      const seen = await shown(page, undefined, `.cell[aria-label=${plane}]`)
      expect(seen.variance, plane).toBeGreaterThan(20)
      const edge = page.locator(`.cell[aria-label=${plane}] .marker.right`)
      await expect.poll(() => edge.textContent()).toBe(plane === 'sagittal' ? 'P' : 'L')
    }
    await page.waitForTimeout(3000)
    await screenshot(page, 'mpr')
    await page.getByRole('button', { name: 'Back to the stack' }).click()
    await shown(page)
  })

  it('is enhanced by the archive, with the stored picture beside it', async () => {
    const { page } = visited
    await tool('Enhance')
    const panel = page.getByRole('complementary', { name: 'Enhance' })
    await panel.getByRole('button', { name: 'Local contrast' }).click()
    await page.waitForFunction(() => {
      const [stored, enhanced] = document.querySelectorAll<HTMLImageElement>('.compare img')
      return stored?.complete && enhanced?.complete && stored.naturalWidth > 0 && enhanced.naturalWidth > 0
    })
    await screenshot(page, 'enhance')
    await tool('Enhance')
  })

  it('shows every attribute', async () => {
    const { page } = visited
    await tool('Tags')
    await page.getByLabel('Search tags').fill('slicethickness')
    await page.getByText('(0018,0050) DS SliceThickness').waitFor()
    await tool('Tags')
  })

  it('went without a fault of the page', () => {
    expect(visited.faults).toEqual([])
  })

  it('shows honestly what cannot be loaded, and loads that image alone again', async () => {
    const { page, faults } = visited
    await page.route('**/frames/1', (route) => route.fulfill({ status: 503 }))
    const other = (await studies('sort=-instances&modality=MR'))[0] as StudyRow
    await page.goto(`${archive()}/#/view/${other.StudyInstanceUID}`)
    await page.getByText(/Image 1 cannot be shown: the archive answered 503/).first().waitFor()
    await screenshot(page, 'failed')
    await page.unroute('**/frames/1')
    const before = await page.getByText(/Image 1 cannot be shown/).count()
    await page.getByRole('button', { name: 'Try this image again' }).first().click()
    await shown(page)
    await expect.poll(() => page.getByText(/Image 1 cannot be shown/).count()).toBe(before - 1)
    faults.length = 0 // the refusals above
  })
})
