import { metaData } from '@cornerstonejs/core'

/** Points of an image in the patient's coordinates and back (PS3.3 C.7.6.2.1.1). */

type Point = [number, number, number]

interface Plane {
  origin: Point
  /** Directions of a row and of a column, each as long as a pixel is that way, in mm. */
  alongRow: Point
  alongColumn: Point
}

function planeOf(imageId: string): Plane {
  const found = (metaData.get('imagePlaneModule', imageId) ?? {}) as Record<string, ArrayLike<number> | number | null | undefined>
  const vector = (value: unknown, otherwise: Point): Point => (value ? (Array.from(value as ArrayLike<number>) as Point) : otherwise)
  const scaled = (direction: Point, by: unknown): Point => direction.map((part) => part * (Number(by) || 1)) as Point
  return {
    origin: vector(found.imagePositionPatient, [0, 0, 0]),
    alongRow: scaled(vector(found.rowCosines, [1, 0, 0]), found.columnPixelSpacing),
    alongColumn: scaled(vector(found.columnCosines, [0, 1, 0]), found.rowPixelSpacing),
  }
}

/** Column and row of a point, from 0 at the corner of the first pixel, whose middle is 0.5 (PS3.3 C.18.6). */
export function toImage(imageId: string, point: ArrayLike<number>): [number, number] {
  const { origin, alongRow, alongColumn } = planeOf(imageId)
  const from = origin.map((part, axis) => (point[axis] ?? 0) - part)
  const along = (direction: Point) => dot(from, direction) / dot(direction, direction)
  return [along(alongRow) + 0.5, along(alongColumn) + 0.5]
}

/** The point of a column and a row, the inverse of `toImage`. */
export function toPatient(imageId: string, [column, row]: [number, number]): Point {
  const { origin, alongRow, alongColumn } = planeOf(imageId)
  return origin.map(
    (part, axis) => part + (alongRow[axis] ?? 0) * (column - 0.5) + (alongColumn[axis] ?? 0) * (row - 0.5),
  ) as Point
}

/** How Cornerstone looks at an image: against its normal, with its first row on top. */
export function viewOf(imageId: string): { viewPlaneNormal: Point; viewUp: Point } {
  const { alongRow: [rx, ry, rz], alongColumn: [cx, cy, cz] } = planeOf(imageId)
  return {
    viewPlaneNormal: unit([rz * cy - ry * cz, rx * cz - rz * cx, ry * cx - rx * cy]),
    viewUp: unit([-cx, -cy, -cz]),
  }
}

function unit(vector: Point): Point {
  const length = Math.hypot(...vector) || 1
  return vector.map((part) => part / length) as Point
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return [0, 1, 2].reduce((sum, axis) => sum + (a[axis] ?? 0) * (b[axis] ?? 0), 0)
}
