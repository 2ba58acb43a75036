import { wadors } from '@cornerstonejs/dicom-image-loader'
import type { Dataset, Element } from '../../archive/dataset'
import { ask } from '../../archive/http'
import type { DisplaySet } from './displaySets'

const TABLES = ['00281201', '00281202', '00281203']

const registered = new WeakMap<DisplaySet, Promise<void>>()

/** Tells Cornerstone, once, what it has to know of the images of a display set; palettes are fetched first. */
export function register(set: DisplaySet): Promise<void> {
  const known = registered.get(set) ?? registerFrames(set)
  registered.set(set, known)
  known.catch(() => registered.delete(set))
  return known
}

async function registerFrames(set: DisplaySet): Promise<void> {
  const known = new Map<Dataset, Dataset>()
  for (const frame of set.frames) {
    const dataset = known.get(frame.dataset) ?? (await withTables(frame.dataset))
    known.set(frame.dataset, dataset)
    wadors.metaDataManager.add(frame.imageId, { ...dataset } as never)
  }
}

/** Palette Color Lookup Table Data as numbers: the loader follows no links (PS3.3 C.7.6.3.1.5). */
async function withTables(dataset: Dataset): Promise<Dataset> {
  const tables = await Promise.all(
    TABLES.map(async (tag) => {
      const element = dataset[tag]
      return element ? ([[tag, await withNumbers(element)]] as const) : []
    }),
  )
  const found = Object.fromEntries(tables.flat())
  return Object.keys(found).length ? { ...dataset, ...found } : dataset
}

async function withNumbers(element: Element): Promise<Element> {
  if (element.Value) return element
  const bytes = element.InlineBinary ? decode(element.InlineBinary) : await fetched(element.BulkDataURI)
  return { vr: 'OW', Value: [...new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1)] }
}

function decode(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

async function fetched(address: string | undefined): Promise<Uint8Array> {
  // Only from the archive itself: a link in an image may lead anywhere.
  if (!address || new URL(address, document.baseURI).origin !== location.origin) return new Uint8Array()
  const answer = await ask(address, { headers: { Accept: 'application/octet-stream' } })
  return new Uint8Array(await answer.arrayBuffer())
}
