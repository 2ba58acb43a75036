/** Images whose every value is known, to hold measurements, lines and linked stacks against. */
import type { Dataset, Element } from '../src/archive/dataset.ts'
import { image, send, uid } from './images'

export const SIDE = 128
export const SPACING_MM = 2

type Vector = [number, number, number]

/** How an image lies: directions of a row and of a column, and where its first pixel is for a place along its normal. */
export interface Lie {
  row: Vector
  column: Vector
  origin(place: number): Vector
}

/** Seen from the feet, the first pixel at the right and front. */
export const AXIAL: Lie = { row: [1, 0, 0], column: [0, 1, 0], origin: (place) => [0, 0, place] }

/** Seen from the front, the first row at the head, 128 mm above the origin. */
export const CORONAL: Lie = { row: [1, 0, 0], column: [0, 0, -1], origin: (place) => [0, place, SIDE] }

export interface Series {
  lie?: Lie
  /** Where the images lie along their normal, in mm, in the order of their numbers. */
  places: number[]
  number?: number
  description?: string
  /** Hounsfield units of a column, a row, and an image's index; `valueAt` without it. */
  values?: (column: number, row: number, index: number) => number
}

/** Hounsfield units that rise by 4 a column and by 2 a row: their mean over a region is that of its middle. */
export function valueAt(column: number, row: number): number {
  return 4 * column + 2 * row - 400
}

/** Sends series of one study in one frame of reference. */
export async function sendStudy(study: string, series: Series[], changes: Dataset = {}): Promise<void> {
  const frameOfReference = uid()
  for (const [index, each] of series.entries()) {
    const own = uid()
    await send(...each.places.map((_, at) => slice(study, own, frameOfReference, { number: index + 1, ...each }, at, changes)))
  }
}

function slice(study: string, series: string, frameOfReference: string, of: Series, index: number, changes: Dataset): Dataset {
  const { lie = AXIAL, places, values = valueAt, description = 'phantom' } = of
  const value = (vr: string, ...all: (string | number)[]): Element => ({ vr, Value: all })
  return image(study, {
    '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.2'),
    '00080060': value('CS', 'CT'),
    '0008103E': value('LO', description),
    '00100010': value('PN', 'Known^Values'),
    '0020000E': value('UI', series),
    '00200011': value('IS', of.number ?? 1),
    '00200013': value('IS', index + 1),
    '00200032': value('DS', ...lie.origin(places[index] ?? 0)),
    '00200037': value('DS', ...lie.row, ...lie.column),
    '00200052': value('UI', frameOfReference),
    '00280010': value('US', SIDE),
    '00280011': value('US', SIDE),
    '00280030': value('DS', SPACING_MM, SPACING_MM),
    '00280100': value('US', 16),
    '00280101': value('US', 16),
    '00280102': value('US', 15),
    '00281050': value('DS', 0),
    '00281051': value('DS', 1000),
    '00281052': value('DS', -1024),
    '00281053': value('DS', 1),
    '7FE00010': { vr: 'OW', InlineBinary: stored((column, row) => values(column, row, index)) },
    ...changes,
  })
}

function stored(values: (column: number, row: number) => number): string {
  const pixels = Uint16Array.from({ length: SIDE * SIDE }, (_, at) => values(at % SIDE, Math.floor(at / SIDE)) + 1024)
  return Buffer.from(pixels.buffer).toString('base64')
}
