/** The list stays true while the world changes: arrivals, deletions, cut connections, archives that start again. */
import { rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Dataset } from '../src/archive/dataset.ts'
import { encodeFile } from '../src/viewer/measurements/part10.ts'
import { type Archive, cStore, freePorts, newHome, start } from './archive'
import { screenshot, visit, type Visit } from './browser'
import { image, store, uid } from './images'

const DELETING = { RADSTREAM_ALLOW_DELETE: 'true' }
const home = newHome()

let ports: [number, number]
let archive: Archive
let proxy: Proxy
let visited: Visit

/** What stands between a browser and an archive, and can be cut. */
class Proxy {
  private readonly sockets = new Set<Socket>()
  private readonly server: Server
  private isCut = false

  constructor(private readonly target: number) {
    this.server = createServer((client) => this.connected(client))
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => {
        const address = this.server.address()
        resolve(typeof address === 'object' && address ? address.port : 0)
      })
    })
  }

  /** Ends every connection, and each that is tried from now on. */
  cut(): void {
    this.isCut = true
    for (const socket of this.sockets) socket.destroy()
  }

  mend(): void {
    this.isCut = false
  }

  close(): void {
    this.cut()
    this.server.close()
  }

  private connected(client: Socket): void {
    if (this.isCut) {
      client.destroy()
      return
    }
    const archive = connect(this.target, '127.0.0.1')
    for (const [one, other] of [[client, archive], [archive, client]] as [Socket, Socket][]) {
      this.sockets.add(one)
      one.on('error', () => other.destroy()).on('close', () => this.sockets.delete(one) && other.destroy())
      one.pipe(other)
    }
  }
}

const row = (study: string) => visited.page.getByRole('row').filter({ hasText: `A${study.slice(-8)}` })
const isLive = () => visited.page.getByText('live', { exact: true }).waitFor()

function arrive(dataset: Dataset): Promise<unknown> {
  return store('application/dicom', [['application/dicom', encodeFile(dataset)]], archive.url)
}

beforeAll(async () => {
  ports = await freePorts()
  archive = await start(home, ports, DELETING)
  proxy = new Proxy(ports[0])
  visited = await visit()
  await visited.page.goto(`http://127.0.0.1:${await proxy.listen()}/`)
  await isLive()
  await visited.page.getByText('0 studies').waitFor()
}, 180_000)
afterAll(async () => {
  await visited?.browser.close()
  proxy?.close()
  await archive?.stop()
  rmSync(home, { recursive: true, force: true })
})

/** Resolves to when the list shows `text`, in milliseconds since 1970. */
function shownAt(text: string): Promise<number> {
  return visited.page.evaluate((wanted) => {
    const isThere = () => document.querySelector('[role=grid]')?.textContent?.includes(wanted)
    return new Promise<number>((resolve) => {
      const observer = new MutationObserver(() => isThere() && (observer.disconnect(), resolve(Date.now())))
      observer.observe(document.body, { subtree: true, childList: true, characterData: true })
    })
  }, text)
}

/** When the archive took the last instance of a study, in milliseconds since 1970. */
async function storedAt(study: string): Promise<number> {
  const answer = await fetch(`${archive.url}/study-list?uids=${study}`)
  return Date.parse(((await answer.json()) as { studies: { last_stored_at: string }[] }).studies[0]?.last_stored_at ?? '')
}

it('shows a study within a second of its last instance, however it came', async () => {
  const late: number[] = []
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const study = uid()
    const shown = shownAt(`A${study.slice(-8)}`)
    if (attempt % 2) await arrive(image(study))
    else cStore(archive.dimsePort, encodeFile(image(study)))
    late.push((await shown) - (await storedAt(study)))
  }
  late.sort((a, b) => a - b)
  console.log(`from stored to shown: ${late.map(Math.round).join(', ')} ms`)
  if (!process.env.RADSTREAM_BUSY) expect(late[3], 'the median').toBeLessThan(1000)
  await screenshot(visited.page, 'live')
})

it('counts the instances of a study as they come', async () => {
  const study = uid()
  await arrive(image(study))
  await row(study).getByText('1 in 1').waitFor()
  await arrive(image(study))
  await row(study).getByText('2 in 1').waitFor()
})

it('loses the row of a study that is deleted, and counts what is left of one', async () => {
  const [whole, part] = [uid(), uid()]
  const one = image(part)
  await arrive(image(whole))
  await arrive(one)
  await arrive(image(part))
  await row(whole).waitFor()
  await row(part).getByText('2 in 1').waitFor()
  const series = String(one['0020000E']?.Value?.[0])
  await remove(`${part}/series/${series}/instances/${String(one['00080018']?.Value?.[0])}`)
  await row(part).getByText('1 in 1').waitFor()
  await remove(whole)
  await row(whole).waitFor({ state: 'detached' })
})

it('catches up with what it missed while the connection was cut', async () => {
  const [gone, missed] = [uid(), uid()]
  await arrive(image(gone))
  await row(gone).waitFor()
  proxy.cut()
  await visited.page.getByText('connecting again…').waitFor()
  await arrive(image(missed))
  await remove(gone)
  proxy.mend()
  await row(missed).waitFor()
  await row(gone).waitFor({ state: 'detached' })
  await isLive()
})

it('catches up after the machine was offline', async () => {
  const session = await visited.page.context().newCDPSession(visited.page)
  await session.send('Network.enable')
  const line = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 }
  await session.send('Network.emulateNetworkConditions', { ...line, offline: true })
  proxy.cut() // an emulated line keeps streams that were open before
  proxy.mend()
  await visited.page.getByText('connecting again…').waitFor()
  const missed = uid()
  await arrive(image(missed))
  await session.send('Network.emulateNetworkConditions', { ...line, offline: false })
  await row(missed).waitFor()
  await isLive()
})

it('catches up after the archive was started again', async () => {
  await archive.stop()
  await visited.page.getByText('connecting again…').waitFor()
  archive = await start(home, ports, DELETING)
  const missed = uid()
  await arrive(image(missed))
  await row(missed).waitFor()
  await isLive()
})

async function remove(path: string): Promise<void> {
  const answer = await fetch(`${archive.url}/dicom-web/studies/${path}`, { method: 'DELETE' })
  expect(answer.status).toBe(204)
}
