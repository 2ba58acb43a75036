import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Dataset } from '../src/archive/dataset.ts'
import { archive, indexed, screenshot, studies, visit, type Visit } from './browser'
import { image, send, sendFile, uid } from './images'
import { filmed, sendVideo } from './films'
import { sendStudy } from './phantoms'
import { type Picture, picture, shown } from './pixels'
import { Stage, tool } from './stage'

const LIBRARY = new URL('../../.venv/lib/', import.meta.url).pathname
const PDF = `%PDF-1.1
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj
trailer<</Root 1 0 R>>
%%EOF
`
const study = uid()
let visited: Visit
let stage: Stage

/** What went wrong, but for pictures of what has none. */
const faults = () => visited.faults.filter((fault) => !/404.*\/thumbnail$/.test(fault))
const series = (text: string) => visited.page.getByRole('navigation', { name: 'Series' }).getByRole('button').filter({ hasText: text })

function attributes(changes: Dataset): Dataset {
  const { '7FE00010': _pixels, '00280010': _rows, '00280011': _columns, ...rest } = image(study)
  return { ...rest, '0020000E': { vr: 'UI', Value: [uid()] }, ...changes }
}

const pdf = attributes({
  '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.104.1'] },
  '00080060': { vr: 'CS', Value: ['DOC'] },
  '0008103E': { vr: 'LO', Value: ['letter'] },
  '00420011': { vr: 'OB', InlineBinary: Buffer.from(PDF).toString('base64') },
  '00420012': { vr: 'LO', Value: ['application/pdf'] },
})
const report = attributes({
  '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.88.11'] },
  '00080060': { vr: 'CS', Value: ['SR'] },
  '0008103E': { vr: 'LO', Value: ['report'] },
  '0040A040': { vr: 'CS', Value: ['CONTAINER'] },
  '0040A043': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['18748-4'] }, '00080102': { vr: 'SH', Value: ['LN'] }, '00080104': { vr: 'LO', Value: ['Diagnostic Imaging Report'] } }] },
  '0040A730': {
    vr: 'SQ',
    Value: [
      {
        '0040A010': { vr: 'CS', Value: ['CONTAINS'] },
        '0040A040': { vr: 'CS', Value: ['TEXT'] },
        '0040A043': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['121071'] }, '00080102': { vr: 'SH', Value: ['DCM'] }, '00080104': { vr: 'LO', Value: ['Finding'] } }] },
        '0040A160': { vr: 'UT', Value: ['Kein Befund — 異常なし'] },
      },
    ],
  },
})

beforeAll(async () => {
  await sendStudy(study, [{ places: [0, 2, 4, 6, 8] }])
  await send(pdf, report)
  await indexed(study, 7)
  visited = await visit(`#/view/${study}`)
  stage = new Stage(visited.page)
  await stage.line('image 1 of 5').waitFor()
})
afterAll(() => visited?.browser.close())

describe('a study of several kinds', () => {
  it('has its report as text, in any script', async () => {
    await series('report').click()
    const text = visited.page.locator('.report')
    await text.getByRole('heading', { name: 'Diagnostic Imaging Report' }).waitFor()
    await text.getByText('Finding: Kein Befund — 異常なし').waitFor()
  })

  it('has its PDF in a frame of its own', async () => {
    const answered = visited.page.waitForResponse((answer) => answer.url().includes('/rendered') && answer.headers()['content-type'] === 'application/pdf')
    await series('letter').click()
    expect((await answered).status()).toBe(200)
    await visited.page.getByTitle('letter').waitFor()
    await visited.page.waitForTimeout(1500)
    await screenshot(visited.page, 'pdf')
  })

  it('keeps key images as a document, which shows them again', async () => {
    const { page } = visited
    await series('phantom').click()
    await stage.line('image 1 of 5').waitFor()
    await tool(page, 'Measurements')
    const panel = page.getByRole('complementary', { name: 'Measurements' })
    for (const number of [2, 4]) {
      while (!(await stage.line(`image ${number} of 5`).isVisible())) await page.keyboard.press('ArrowDown')
      await panel.getByRole('button', { name: 'Mark this image' }).click()
    }
    await panel.getByText('2 marked').waitFor()
    await panel.getByRole('button', { name: 'Save key images' }).click()
    await panel.getByText('Key images saved.').waitFor()
    await expect.poll(async () => (await studies(`uids=${study}`))[0]?.ModalitiesInStudy, { timeout: 20_000 }).toContain('KO')
    await page.reload()
    await series('Key images').click()
    await stage.line('image 1 of 2').waitFor()
    await shown(page)
    await page.keyboard.press('End')
    await stage.line('image 2 of 2').waitFor()
    const [kept] = (await (await fetch(`${archive()}/dicom-web/studies/${study}/instances?Modality=KO&includefield=all`)).json()) as Dataset[]
    expect(kept?.['00080016']?.Value).toEqual(['1.2.840.10008.5.1.4.1.1.88.59'])
    await screenshot(page, 'key-images')
  })

  it('went without a fault of the page', () => expect(faults()).toEqual([]))
})

describe('moving pictures', () => {
  it('of an ultrasound are in colour, and played as fast as they were recorded', async () => {
    const { page } = visited
    const [heart] = await studies('modality=US')
    await page.goto(`${archive()}/#/view/${heart?.StudyInstanceUID}`)
    await page.getByRole('navigation', { name: 'Series' }).getByText(/^\d\d+ images$/).first().click()
    await stage.line(/image 1 of \d\d+/).waitFor()
    const still = await shown(page)
    await tool(page, '▶ Cine')
    const seen: Picture[] = []
    for (let look = 0; look < 10; look += 1) {
      await page.waitForTimeout(150)
      seen.push(await picture(page))
    }
    expect(new Set(seen.map((each) => each.grid.join())).size, 'pictures that were seen').toBeGreaterThan(3)
    expect(seen.some((each) => each.grid.join() !== still.grid.join())).toBe(true)
    await tool(page, '❚❚ Stop')
    await screenshot(page, 'ultrasound')
  })

  it('in colour keep their colour', async () => {
    const { page } = visited
    const rgb = await sendFile(readFileSync(sample('SC_rgb_rle.dcm')))
    await vi.waitUntil(async () => (await studies(`uids=${rgb}`)).length === 1, { timeout: 30_000 })
    await page.goto(`${archive()}/#/view/${rgb}`)
    await shown(page)
    const colours = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('.stack canvas')
      const { data = [] } = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {}
      return Array.from(data).filter((value, at) => at % 4 === 0 && Math.abs(value - (data[at + 2] ?? 0)) > 100).length
    })
    expect(colours, 'points that are far from grey').toBeGreaterThan(1000)
    await screenshot(page, 'colour')
  })

  it('of a video are played', async () => {
    const { page } = visited
    const film = await filmed(page)
    if (!film) return console.log('DID NOT RUN: this browser records no H.264, so that there is no video to send')
    const operation = uid()
    await sendVideo(operation, film)
    await indexed(operation, 1)
    await page.goto(`${archive()}/#/view/${operation}`)
    const video = page.locator('video')
    await video.waitFor()
    await video.evaluate((element: HTMLVideoElement) => ((element.muted = true), element.play()))
    await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.currentTime + (element.ended ? 1 : 0))).toBeGreaterThan(0.1)
    expect(await video.evaluate((element: HTMLVideoElement) => [element.videoWidth, element.videoHeight])).toEqual([64, 64])
  })

  it('went without a fault of the page', () => expect(faults()).toEqual([]))
})

/** A file of pydicom. */
function sample(name: string): string {
  const [python = ''] = readdirSync(LIBRARY)
  return `${LIBRARY}${python}/site-packages/pydicom/data/test_files/${name}`
}
