/** When something is seen, in milliseconds of the clock that page and script share. */
import type { Page } from 'playwright-core'

const SEEN_VARIANCE = 20
const WITHIN_MS = 45_000

/** Waits until as many canvases as `least` show a picture, or as many pictures that stand for them; returns when. */
export async function pictureAt(page: Page, canvases: string, least = 1, preview = ''): Promise<number> {
  const seen = await page.waitForFunction(isSeen, { canvases, least, preview, variance: SEEN_VARIANCE }, { polling: 'raf', timeout: WITHIN_MS })
  return Number(await seen.jsonValue())
}

interface Wanted {
  canvases: string
  least: number
  preview: string
  variance: number
}

function isSeen({ canvases, least, preview, variance }: Wanted): number | false {
  const previews = preview ? [...document.querySelectorAll<HTMLImageElement>(preview)] : []
  if (previews.filter((image) => image.complete && image.naturalWidth > 0).length >= least) return Date.now()
  const side = 32
  const copy = document.createElement('canvas')
  copy.width = copy.height = side
  const context = copy.getContext('2d', { willReadFrequently: true })
  const drawn = [...document.querySelectorAll<HTMLCanvasElement>(canvases)].filter((canvas) => {
    if (!context || canvas.width === 0) return false
    context.drawImage(canvas, 0, 0, side, side)
    const { data } = context.getImageData(0, 0, side, side)
    const greys = Array.from({ length: side * side }, (_, at) => data[at * 4] ?? 0)
    const mean = greys.reduce((sum, grey) => sum + grey, 0) / greys.length
    return greys.reduce((sum, grey) => sum + (grey - mean) ** 2, 0) / greys.length > variance
  })
  return drawn.length >= least ? Date.now() : false
}

/** Counts frames that have come: `all` tells when there were `count`. */
export function framesOf(page: Page, count: number): { all: Promise<number> } {
  const frames = new Set<string>()
  return {
    all: new Promise((resolve, reject) => {
      page.on('close', () => reject(new Error(`${frames.size} of ${count} frames came`)))
      page.on('requestfinished', (request) => {
        if (/\/frames\/\d+$/.test(new URL(request.url()).pathname)) frames.add(request.url())
        if (frames.size >= count) resolve(Date.now())
      })
    }),
  }
}

/** Lets a page remember when it was last double-clicked. */
export async function rememberClicks(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    addEventListener('dblclick', () => Object.assign(globalThis, { clickedAt: Date.now() }), true)
  })
  return () => page.evaluate(() => (globalThis as unknown as { clickedAt: number }).clickedAt)
}
