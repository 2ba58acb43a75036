/** The archive that the browser talks to: one of its own with simulated studies, or the one that RADSTREAM_URL names. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

export const ROOT = new URL('../..', import.meta.url).pathname
export const PYTHON = join(ROOT, '.venv/bin/python')
const READY_WITHIN_MS = 120_000

/** What is simulated: a long CT, two studies of one person, colour and several frames. */
const SIMULATED = [
  ['--studies', '1', '--modality', 'CT', '--slices', '250', '--seed', '1'],
  ['--studies', '8', '--slices', '24', '--seed', '2'],
]

declare module 'vitest' {
  export interface ProvidedContext {
    url: string
  }
}

/** An archive that runs for a test. */
export interface Archive {
  url: string
  dimsePort: number
  /** Ends its processes; what it holds stays. */
  stop(): Promise<void>
}

/** Starts the archive before the tests, and ends it after them. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.RADSTREAM_URL
  if (given) {
    project.provide('url', given)
    return undefined
  }
  const home = newHome()
  const archive = await start(home, await freePorts())
  for (const options of SIMULATED) simulate(archive.dimsePort, options)
  await indexed(archive.url, SIMULATED.reduce((sum, options) => sum + Number(options[1]), 0))
  project.provide('url', archive.url)
  return async () => {
    await archive.stop()
    rmSync(home, { recursive: true, force: true })
  }
}

/** A new folder for an archive. */
export function newHome(): string {
  return mkdtempSync(join(tmpdir(), 'radstream-browser-'))
}

/** Two ports that nobody listens on: for the web door and for the DIMSE door. */
export async function freePorts(): Promise<[http: number, dimse: number]> {
  return [await freePort(), await freePort()]
}

/** Starts an archive on the data in `home`; returns when it answers. */
export async function start(home: string, [http, dimse]: [number, number], environment: NodeJS.ProcessEnv = {}): Promise<Archive> {
  const options = ['--home', home, '--http-port', String(http), '--dimse-port', String(dimse)]
  const archive = spawn(PYTHON, ['-m', 'services.command', 'up', ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, RADSTREAM_LOG_LEVEL: 'ERROR', ...environment },
  })
  const url = `http://127.0.0.1:${http}`
  await ready(url, archive)
  const stop = async () => {
    archive.kill('SIGTERM')
    if (archive.exitCode === null) await new Promise((resolve) => archive.once('exit', resolve))
  }
  return { url, dimsePort: dimse, stop }
}

/** Sends a DICOM file by C-STORE, as a modality does; returns when it was accepted. */
export function cStore(port: number, file: Uint8Array): void {
  const folder = newHome()
  const path = join(folder, 'image.dcm')
  writeFileSync(path, file)
  command('send', path, '--port', String(port))
  rmSync(folder, { recursive: true, force: true })
}

function command(...words: string[]): void {
  const run = spawnSync(PYTHON, ['-m', 'services.command', ...words], { cwd: ROOT, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`radstream ${words[0]} failed: ${run.stderr}${run.stdout}`)
}

function simulate(port: number, options: string[]): void {
  command('simulate', '--port', String(port), ...options)
}

async function ready(url: string, archive: ChildProcess): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS
  while (Date.now() < until && archive.exitCode === null) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    await pause(250)
  }
  throw new Error('the archive did not start')
}

async function indexed(url: string, studies: number): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS
  let before = -1
  while (Date.now() < until) {
    const found = (await (await fetch(`${url}/study-list`)).json()) as { total: number; studies: { NumberOfStudyRelatedInstances: number }[] }
    const images = found.studies.reduce((sum, study) => sum + study.NumberOfStudyRelatedInstances, 0)
    if (found.total === studies && images === before) return
    before = images
    await pause(1000)
  }
  throw new Error('the archive did not index what was sent')
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
