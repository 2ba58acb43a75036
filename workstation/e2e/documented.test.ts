/** The pictures in docs/images, from simulated studies: `make screenshots`. */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from './archive'
import { archive, studies, type StudyRow, visit, type Visit } from './browser'
import { shown } from './pixels'

const FOLDER = join(ROOT, 'docs/images')
const LARGEST_BYTES = 400_000
const VIEWPORT = { width: 1200, height: 750 }

describe.runIf(process.env.RADSTREAM_DOCUMENT)('the documentation shows', () => {
  let visited: Visit
  let page: Page
  let ct: StudyRow

  const tool = (name: string) => page.getByRole('toolbar').getByRole('button', { name, exact: true }).click()

  async function keep(name: string): Promise<void> {
    await page.waitForTimeout(1500) // for thumbnails, and for the last lines of what is drawn
    const path = join(FOLDER, `${name}.png`)
    await page.screenshot({ path })
    expect(statSync(path).size, `${name}.png, bytes`).toBeLessThan(LARGEST_BYTES)
  }

  async function open(...uids: string[]): Promise<void> {
    await page.goto(`${archive()}/#/view/${uids.join(',')}`)
    await shown(page, undefined, '.cell[aria-label="Viewport 1"]')
    await page.waitForFunction(() => !document.querySelector('.preview'))
  }

  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true })
    ct = (await studies('sort=-instances&modality=CT'))[0] as StudyRow
    visited = await visit('', { viewport: VIEWPORT })
    page = visited.page
  })
  afterAll(() => visited?.browser.close())

  it('the list', async () => {
    await page.getByRole('row').nth(2).click()
    await keep('list')
  })

  it('the operations page', async () => {
    await page.goto(`${archive()}/#/operations`)
    await page.getByRole('button', { name: 'Test by C-ECHO' }).click()
    await page.getByText('Answered 0x0000').waitFor()
    await keep('operations')
  })

  it('the viewer', async () => {
    await open(ct.StudyInstanceUID)
    await page.locator('.cell').first().click()
    for (let step = 0; step < 12; step += 1) await page.keyboard.press('PageDown')
    await page.getByText('image 121 of').first().waitFor()
    await page.getByLabel('Window preset').selectOption('Soft tissue')
    await keep('viewer')
  })

  it('an enhancement beside the stored picture', async () => {
    await tool('Enhance')
    const panel = page.getByRole('complementary', { name: 'Enhance' })
    await panel.getByRole('button', { name: 'Local contrast' }).click()
    await page.waitForFunction(() => {
      const pictures = [...document.querySelectorAll<HTMLImageElement>('.compare img')]
      return pictures.length === 2 && pictures.every((picture) => picture.complete && picture.naturalWidth > 0)
    })
    await keep('enhancement')
    await tool('Enhance')
  })

  it('planes through the volume', async () => {
    await tool('MPR')
    for (const plane of ['axial', 'sagittal', 'coronal']) await shown(page, undefined, `.cell[aria-label=${plane}]`)
    await page.waitForFunction(() => !document.querySelector('.preview'))
    await keep('mpr')
  })

  it('two studies of one person', async () => {
    const all = await studies()
    const [one, other] = all.flatMap((study) => {
      const mine = all.filter((each) => each.patient_key === study.patient_key && !each.ModalitiesInStudy.includes('US'))
      return mine.length > 1 ? [mine] : []
    })[0] as [StudyRow, StudyRow]
    await open(one.StudyInstanceUID, other.StudyInstanceUID)
    await shown(page, undefined, '.cell[aria-label="Viewport 2"]')
    await keep('comparison')
  })
})
