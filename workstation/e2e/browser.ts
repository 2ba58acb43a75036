/** A page of Debian's Chromium that remembers everything that went wrong in it. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { inject } from 'vitest'

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
  PatientName: { Alphabetic?: string } | null
}

/** Opens a page of the archive. */
export async function visit(path = '', options: { colorScheme?: 'dark' | 'light' } = {}): Promise<Visit> {
  const executablePath = CHROMIUM.find((path) => path && existsSync(path))
  if (!executablePath) throw new Error('no Chromium is installed here; name one by CHROMIUM=/path/to/it')
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] })
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: options.colorScheme ?? 'dark' })
  page.setDefaultTimeout(60_000)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
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

/** Keeps a picture of the page, to be looked at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) })
}
