/** A page of Debian's Chromium that remembers everything that went wrong in it. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { inject, vi } from 'vitest'

const CHROMIUM = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const SCREENSHOTS = process.env.RADSTREAM_SCREENSHOTS ?? new URL('screenshots', import.meta.url).pathname

export interface Visit {
  page: Page
  browser: Browser
  /** Errors of scripts, of the console, and of the policy on content. */
  faults: string[]
}

export interface StudyRow {
  StudyInstanceUID: string
  ModalitiesInStudy: string[]
  NumberOfStudyRelatedInstances: number
  patient_key: string
  PatientID: string
  PatientName: { Alphabetic?: string } | null
}

/** Starts a browser, whose WebGL is emulated. */
export function launch(): Promise<Browser> {
  const executablePath = CHROMIUM.find((path) => path && existsSync(path))
  if (!executablePath) throw new Error('no Chromium is installed here; name one by CHROMIUM=/path/to/it')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] })
}

/** Opens a page of the archive. */
export async function visit(path = '', options: BrowserContextOptions = {}): Promise<Visit> {
  const browser = await launch()
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', ...options })
  page.setDefaultTimeout(30_000)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => message.type() === 'error' && faults.push(`${message.text()} ${message.location().url}`))
  page.on('dialog', (dialog) => {
    faults.push(`a dialog opened: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(`${archive()}/${path}`)
  return { page, browser, faults }
}

/** The URL of the archive. */
export function archive(): string {
  return inject('url')
}

/** The studies of the archive that `wanted` accepts. */
export async function studies(query = ''): Promise<StudyRow[]> {
  const answer = await fetch(`${archive()}/study-list?limit=500&${query}`)
  return ((await answer.json()) as { studies: StudyRow[] }).studies
}

/** Waits until the archive finds `instances` of a study. */
export async function indexed(study: string, instances: number): Promise<void> {
  const held = async () => (await studies(`uids=${study}`))[0]?.NumberOfStudyRelatedInstances
  await vi.waitUntil(async () => (await held()) === instances, { timeout: 30_000, interval: 200 })
}

/** Keeps a picture of the page, to be looked at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) })
}
