/** Frames as they are stored beside frames in HTJ2K, over links of several speeds; prints a table. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, it } from 'vitest'
import { archive, launch, studies, type StudyRow } from '../e2e/browser'
import { median } from './medians'
import { framesOf } from './watching'

const ROUNDS = Number(process.env.RADSTREAM_BENCH_ROUNDS ?? 5)
const LINKS_MBIT_PER_S = [20, 50, 100, 1000]
const FORMS = {
  'as stored': 'multipart/related; type=application/octet-stream; transfer-syntax=*',
  HTJ2K: 'multipart/related; type=image/jphc; transfer-syntax=1.2.840.10008.1.2.4.201',
}
const IMAGES = 24

let browser: Browser
let study: StudyRow
const times = new Map<string, number[]>()

beforeAll(async () => {
  study = (await studies('modality=CT')).find((each) => each.NumberOfStudyRelatedInstances === IMAGES) as StudyRow
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  console.log(table())
})

it('a series over a link', async () => {
  for (let round = 0; round < ROUNDS; round += 1)
    for (const link of LINKS_MBIT_PER_S)
      for (const [form, accept] of Object.entries(FORMS)) {
        const ms = await series(link, accept)
        times.set(`${link} ${form}`, [...(times.get(`${link} ${form}`) ?? []), ms])
        console.error(`${link} Mbit/s, ${form}: ${ms} ms`)
      }
})

/** Milliseconds from the address of the study until all its images can be scrolled. */
async function series(mbitPerS: number, accept: string): Promise<number> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  await page.goto(archive())
  await page.waitForTimeout(2000) // the viewer's code is fetched while the list is read
  await page.route('**/frames/*', (route) => route.continue({ headers: { ...route.request().headers(), accept } }))
  await throttle(page, mbitPerS)
  const { all } = framesOf(page, IMAGES)
  const since = Date.now()
  await page.goto(`${archive()}/#/view/${study.StudyInstanceUID}`)
  await all
  await page.waitForFunction(() => document.querySelector('.overlay') && !document.body.textContent?.includes('images here'))
  const ms = Date.now() - since
  await page.close()
  return ms
}

async function throttle(page: Page, mbitPerS: number): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const downloadThroughput = (mbitPerS * 1_000_000) / 8
  await session.send('Network.enable')
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 10, downloadThroughput, uploadThroughput: downloadThroughput })
}

function table(): string {
  const rows = LINKS_MBIT_PER_S.map((link) => `| ${link} | ${Object.keys(FORMS).map((form) => median(times.get(`${link} ${form}`) ?? [])).join(' | ')} |`)
  return [`| Mbit/s | ${Object.keys(FORMS).join(', ms | ')}, ms |`, '|---|---|---|', ...rows].join('\n')
}
