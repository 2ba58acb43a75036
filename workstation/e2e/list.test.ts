import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { screenshot, studies, visit, type Visit } from './browser'
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
    await page.keyboard.press('/')
    expect(await page.getByRole('searchbox').evaluate((box) => box === document.activeElement)).toBe(true)
  })

  it('shows what arrives within a second of its last instance', async () => {
    const { page } = visited
    const times: number[] = []
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const study = uid()
      await send(image(study), image(study))
      const since = Date.now()
      await page.getByText(`A${study.slice(-8)}`).first().waitFor()
      times.push(Date.now() - since)
      await page.waitForTimeout(400)
    }
    times.sort((a, b) => a - b)
    console.log(`arrival to list: ${times.join(', ')} ms`)
    if (!process.env.RADSTREAM_BUSY) expect(times[2], 'the median').toBeLessThan(1000)
  })

  it('catches up without a gap after the connection was broken', async () => {
    const { page } = visited
    await page.context().setOffline(true)
    await page.evaluate(() => dispatchEvent(new Event('offline')))
    const missed = uid()
    await send(image(missed))
    await page.context().setOffline(false)
    await page.getByText(`A${missed.slice(-8)}`).first().waitFor()
    await page.getByText('live', { exact: true }).waitFor()
  })

  it('went without a fault of the page', () => {
    expect(visited.faults.filter((fault) => !fault.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([])
  })
})
