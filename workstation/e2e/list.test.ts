import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { archive, screenshot, studies, visit, type Visit } from './browser'
import { image, send, uid } from './images'

let visited: Visit
const rows = () => visited.page.getByRole('grid').getByRole('row').filter({ has: visited.page.getByRole('gridcell') })

beforeAll(async () => {
  visited = await visit()
  await rows().first().waitFor()
})
afterAll(() => visited?.browser.close())

describe('the study list', () => {
  it('counts and shows what the archive holds', async () => {
    const all = await studies()
    await visited.page.getByText(`${all.length} studies`).waitFor()
    expect(await rows().count()).toBe(all.length)
    await screenshot(visited.page, 'list')
  })

  it('narrows with each key, in any attribute', async () => {
    const { page } = visited
    const box = page.getByRole('searchbox')
    await box.fill('brain')
    const brains = (await studies('text=brain')).length
    await expect.poll(() => rows().count()).toBe(brains)
    await box.fill('nobody is called this')
    await page.getByText('0 studies').waitFor()
    await box.fill('')
    await expect.poll(() => rows().count()).toBeGreaterThan(brains)
  })

  it('is narrowed by modality, and sorted by a click', async () => {
    const { page } = visited
    await page.getByRole('button', { name: 'US', exact: true }).click()
    await expect.poll(() => rows().count()).toBe((await studies('modality=US')).length)
    await page.getByRole('button', { name: 'US', exact: true }).click()
    await page.getByRole('button', { name: 'Images' }).click()
    const first = (await studies('sort=-instances'))[0]
    await expect.poll(() => rows().first().textContent()).toContain(`${first?.NumberOfStudyRelatedInstances} in`)
    await page.getByRole('button', { name: 'Study date' }).click()
  })

  it('goes all the way by keyboard, into the viewer and back', async () => {
    const { page } = visited
    await page.getByRole('searchbox').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await rows().nth(1).getAttribute('aria-selected')).toBe('true')
    await page.keyboard.press('Enter')
    await page.locator('.overlay').first().waitFor()
    await page.keyboard.press('Escape')
    await rows().first().waitFor()
    await expect.poll(() => rows().nth(1).getAttribute('aria-selected')).toBe('true')
    expect(await page.getByRole('grid').evaluate((grid) => grid === document.activeElement)).toBe(true)
    await page.keyboard.press('/')
    expect(await page.getByRole('searchbox').evaluate((box) => box === document.activeElement)).toBe(true)
  })

  it('is found as it was left, whichever way it was left', async () => {
    const { page } = visited
    await page.getByRole('searchbox').fill('ct')
    await page.getByRole('button', { name: 'Images' }).click()
    const shown = (await studies('text=ct&sort=-instances')).length
    await expect.poll(() => rows().count()).toBe(shown)
    await page.getByRole('complementary', { name: 'Patient' }).getByRole('link', { name: 'Open' }).click()
    await page.locator('.overlay').first().waitFor()
    await page.goBack()
    await rows().first().waitFor() // behind the images that the viewer was fetching
    await expect.poll(() => rows().count()).toBe(shown)
    expect(await page.getByRole('searchbox').inputValue()).toBe('ct')
    await page.getByRole('searchbox').fill('')
    await page.getByRole('button', { name: 'Study date' }).click()
  })

  it('keeps the selection on its study while another one arrives above it', async () => {
    const { page } = visited
    const newest = (await studies('sort=-date'))[0]
    await expect.poll(() => rows().first().textContent()).toContain(newest?.PatientID)
    await page.getByRole('searchbox').press('ArrowDown')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    const selected = page.locator('[aria-selected=true]')
    const before = await selected.textContent()
    const newer = uid()
    await send(image(newer, { '00080020': { vr: 'DA', Value: ['20991231'] } }))
    await rows().first().getByText(`A${newer.slice(-8)}`).waitFor()
    expect(await selected.textContent()).toBe(before)
    expect(await rows().nth(2).getAttribute('aria-selected')).toBe('true')
  })

  it('shows a small picture of the study under the pointer, and hides columns', async () => {
    const { page } = visited
    await rows().nth(3).hover()
    const picture = page.locator('img.hover')
    await picture.waitFor()
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0)
    await page.getByText('Columns').click()
    await page.getByRole('checkbox', { name: 'Accession' }).uncheck()
    expect(await page.getByRole('columnheader', { name: 'Accession' }).count()).toBe(0)
    await page.getByRole('checkbox', { name: 'Accession' }).check()
    await page.getByText('Columns').click()
  })

  it('is narrowed by a date preset', async () => {
    const { page } = visited
    await page.getByRole('combobox', { name: 'Study date' }).selectOption('Today')
    await page.getByText('0 studies').waitFor()
    await page.getByRole('combobox', { name: 'Study date' }).selectOption('Any date')
    await expect.poll(() => rows().count()).toBe((await studies()).length)
  })

  it('shows all studies of the selected patient', async () => {
    const { page } = visited
    const all = await studies()
    const several = all.find((one) => all.filter((other) => other.patient_key === one.patient_key).length > 1)
    const own = all.filter((one) => one.patient_key === several?.patient_key)
    await page.getByRole('searchbox').fill(several?.PatientID ?? '')
    await expect.poll(() => rows().count()).toBe(own.length)
    const patient = page.getByRole('complementary', { name: 'Patient' })
    await expect.poll(() => patient.getByRole('listitem').count()).toBe(own.length)
    expect(await patient.getByRole('link', { name: 'Compare' }).count()).toBe(own.length - 1)
    await page.getByRole('searchbox').fill('')
  })

  it('leads to OHIF where the archive has it', async () => {
    const { page } = visited
    const link = page.getByRole('link', { name: 'OHIF' })
    const { ohif } = (await (await fetch(`${archive()}/offered`)).json()) as { ohif: boolean }
    expect(await link.count()).toBe(ohif ? 1 : 0)
    await page.route('**/offered', (route) => route.fulfill({ json: { ohif: !ohif } }))
    await page.reload()
    await rows().first().waitFor()
    await expect.poll(() => link.count()).toBe(ohif ? 0 : 1)
    await page.unroute('**/offered')
  })

  it('went without a fault of the page', () => {
    expect(visited.faults).toEqual([])
  })
})
