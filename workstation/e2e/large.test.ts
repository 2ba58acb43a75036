/** The list among 100,000 studies. They are written straight into a catalog, which takes minutes: RADSTREAM_TEST_STUDIES=100000. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Archive, freePorts, newHome, PYTHON, ROOT, start } from './archive'
import { screenshot, visit, type Visit } from './browser'

const STUDIES = Number(process.env.RADSTREAM_TEST_STUDIES ?? 0)
/** Keeps what was written for the next time. */
const KEPT = process.env.RADSTREAM_TEST_STUDIES_FOLDER
const ALLOWED_MS = 100
const TYPED = ['garcia', 'garcia 00123', 'P0012345', 'mr brain', 'chen', 'zz', 'smith ct', 'AP0099']

describe.runIf(STUDIES > 0)(`among ${STUDIES.toLocaleString('en')} studies`, () => {
  const folder = KEPT ?? newHome()
  let archive: Archive
  let visited: Visit

  beforeAll(async () => {
    const fill = ['-m', 'bench.growth', '--studies', String(STUDIES), '--folder', folder, '--quick']
    const run = spawnSync(PYTHON, fill, { cwd: ROOT, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`the archive was not filled: ${run.stderr}`)
    archive = await start(join(folder, String(STUDIES)), await freePorts())
    visited = await visit()
    await visited.page.goto(archive.url)
    await visited.page.getByText(new RegExp(`${STUDIES.toLocaleString('en').slice(0, -1)}\\d studies`)).waitFor()
    await watchLongTasks()
  }, 900_000)
  afterAll(async () => {
    await visited?.browser.close()
    await archive?.stop()
    if (!KEPT) rmSync(folder, { recursive: true, force: true })
  })

  function watchLongTasks(): Promise<void> {
    return visited.page.evaluate(() => {
      const seen: number[] = []
      Object.assign(globalThis, { longTasks: seen })
      new PerformanceObserver((list) => seen.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
    })
  }

  function longTasks(): Promise<number[]> {
    return visited.page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks.splice(0))
  }

  /** Milliseconds from each key to the rows of what is typed so far. */
  async function type(text: string): Promise<number[]> {
    const times: number[] = []
    for (let length = 1; length <= text.length; length += 1) {
      times.push(await visited.page.evaluate(answered, text.slice(0, length)))
    }
    return times
  }

  it('answers within a tenth of a second while somebody types', async () => {
    await longTasks()
    const times: number[] = []
    for (const text of TYPED) times.push(...(await type(text)))
    times.sort((a, b) => a - b)
    const at = (share: number) => Math.round(times[Math.floor(share * (times.length - 1))] ?? 0)
    console.log(`typing, ${times.length} keys: median ${at(0.5)} ms, of twenty one ${at(0.95)} ms, most ${at(1)} ms`)
    console.log(`long tasks meanwhile: ${(await longTasks()).map(Math.round).join(', ') || 'none'}`)
    if (!process.env.RADSTREAM_BUSY) expect(at(0.95)).toBeLessThan(ALLOWED_MS)
    await screenshot(visited.page, 'large')
  })

  it('never stands still while it is scrolled from end to end', async () => {
    const { page } = visited
    await page.evaluate(answered, '')
    await longTasks()
    const frames = await page.evaluate(scrolled)
    const tasks = await longTasks()
    frames.sort((a, b) => a - b)
    console.log(`scrolling: ${frames.length} frames, median ${Math.round(frames[frames.length >> 1] ?? 0)} ms, most ${Math.round(frames.at(-1) ?? 0)} ms`)
    console.log(`long tasks: ${tasks.map(Math.round).join(', ') || 'none'}`)
    if (!process.env.RADSTREAM_BUSY) expect(Math.max(0, ...tasks)).toBeLessThan(ALLOWED_MS)
    await page.getByRole('grid').press('End')
    await page.locator(`#row-${STUDIES}`).locator('strong').waitFor()
  })

  it('went without a fault of the page', () => {
    // Of studies that only a catalog knows there are no pictures.
    expect(visited.faults.filter((fault) => !/404.*\/thumbnail$/.test(fault))).toEqual([])
  })
})

/** In the page: types `text`, and resolves to the milliseconds until its rows are painted. */
function answered(text: string): Promise<number> {
  const box = document.querySelector<HTMLInputElement>('input[type=search]')
  const grid = document.querySelector('[role=grid]')
  if (!box || !grid) throw new Error('this is no list')
  const since = performance.now()
  const isAnswered = () => grid.getAttribute('data-search') === text.trim() && !grid.querySelector('[aria-busy=true]')
  return new Promise((resolve) => {
    const painted = () => requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - since)))
    const observer = new MutationObserver(() => {
      if (!isAnswered()) return
      observer.disconnect()
      painted()
    })
    observer.observe(grid, { subtree: true, childList: true, attributes: true, characterData: true })
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(box, text)
    box.dispatchEvent(new Event('input', { bubbles: true }))
    if (isAnswered()) painted()
  })
}

/** In the page: scrolls by wheel-like steps at the top, leaps through the whole list; resolves to how long each frame took. */
async function scrolled(): Promise<number[]> {
  const grid = document.querySelector('[role=grid]')
  if (!grid) throw new Error('this is no list')
  const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve))
  const frames: number[] = []
  let before = await frame()
  for (let step = 0; step < 400; step += 1) {
    grid.scrollTop += step < 200 ? 120 : grid.scrollHeight / 200
    const now = await frame()
    frames.push(now - before)
    before = now
  }
  return frames
}
