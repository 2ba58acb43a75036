import { type Dataset, number, numbers } from '../../archive/dataset'

export type Vector = [number, number, number]

/** The normal of an image plane from its Image Orientation (Patient) (PS3.3 C.7.6.2.1.1); undefined without one. */
export function normalOf(dataset: Dataset): Vector | undefined {
  const [rx, ry, rz, cx, cy, cz] = numbers(dataset, '00200037')
  if (rx === undefined || ry === undefined || rz === undefined) return undefined
  if (cx === undefined || cy === undefined || cz === undefined) return undefined
  return [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx]
}

/** Where an image lies along `normal`, in mm; undefined without Image Position (Patient). */
export function positionAlong(normal: Vector, dataset: Dataset): number | undefined {
  const [x, y, z] = numbers(dataset, '00200032')
  if (x === undefined || y === undefined || z === undefined) return undefined
  return normal[0] * x + normal[1] * y + normal[2] * z
}

/** Orders images by their place along the normal if all have one, else by Instance Number; the input is left alone. */
export function sorted(instances: Dataset[]): Dataset[] {
  const normal = instances[0] && normalOf(instances[0])
  const places = instances.map((instance) => normal && positionAlong(normal, instance))
  const isPlaced = places.every((place) => place !== undefined) && new Set(places).size === instances.length
  const keys = isPlaced ? (places as number[]) : instances.map((instance) => number(instance, '00200013') ?? 0)
  const order = instances.map((_, index) => index)
  order.sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0))
  const ordered = order.map((index) => instances[index] as Dataset)
  // People expect the images as the device numbered them: turn round if it counted the other way.
  const [first, last] = [ordered[0], ordered.at(-1)]
  const isBackwards = isPlaced && first && last && (number(first, '00200013') ?? 0) > (number(last, '00200013') ?? 0)
  return isBackwards ? ordered.reverse() : ordered
}
