import { type Dataset, numbers, texts } from '../archive/dataset'
import type { Vector } from './images/sorting'

/** Letters at the edges of a picture, which say where in the patient they are (PS3.3 C.7.6.1.1.1). Pure. */
export interface Markers {
  left: string
  right: string
  top: string
  bottom: string
}

const OPPOSITE: Record<string, string> = { L: 'R', R: 'L', A: 'P', P: 'A', H: 'F', F: 'H' }
const NOTICEABLE = 0.25

/** The letters of a direction in the patient's coordinates: the strongest part first, slight ones left out. */
export function lettersOf([x, y, z]: Vector): string {
  const length = Math.hypot(x, y, z) || 1
  const parts: [number, string][] = [
    [x / length, x > 0 ? 'L' : 'R'],
    [y / length, y > 0 ? 'P' : 'A'],
    [z / length, z > 0 ? 'H' : 'F'],
  ]
  parts.sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]))
  return parts.filter(([size]) => Math.abs(size) > NOTICEABLE).map(([, letter]) => letter).join('')
}

export function opposite(letters: string): string {
  return [...letters].map((letter) => OPPOSITE[letter] ?? letter).join('')
}

/**
 * The markers of a picture.
 *
 * `right` and `down` are directions of the screen in the image's coordinates: the patient's, or without Image Orientation
 * (Patient) those of rows and columns, which Patient Orientation then says the meaning of. Without both: none.
 */
export function markersOf(dataset: Dataset, right: Vector, down: Vector): Markers | undefined {
  const name = numbers(dataset, '00200037').length === 6 ? lettersOf : byPatientOrientation(texts(dataset, '00200020'))
  if (!name) return undefined
  return edges(name(right), name(down))
}

/** The markers of a plane through a volume, of which is known what is up and what looks at the viewer. */
export function planeMarkers([ux, uy, uz]: Vector, [nx, ny, nz]: Vector): Markers {
  const right: Vector = [uy * nz - uz * ny, uz * nx - ux * nz, ux * ny - uy * nx]
  return edges(lettersOf(right), lettersOf([-ux, -uy, -uz]))
}

function edges(right: string, bottom: string): Markers {
  return { left: opposite(right), right, top: opposite(bottom), bottom }
}

function byPatientOrientation([row, column]: string[]): ((direction: Vector) => string) | undefined {
  if (!row || !column) return undefined
  return ([x, y]) => {
    const letters = Math.abs(x) >= Math.abs(y) ? row : column
    const isForward = Math.abs(x) >= Math.abs(y) ? x > 0 : y > 0
    return isForward ? letters : opposite(letters)
  }
}
