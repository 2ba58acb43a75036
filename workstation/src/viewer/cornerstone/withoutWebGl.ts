import type { StackViewport, Types } from '@cornerstonejs/core'

/** Corrects a viewport that Cornerstone draws without WebGL. */
export function correct(viewport: StackViewport): void {
  placePixelCentres(viewport)
  leaveOutLutFunction(viewport)
}

/**
 * Corrects where the pixels are taken to be.
 *
 * Drawn so, Cornerstone draws a pixel's corner where it says that the pixel's middle is: whatever is pointed at, and
 * every mark, would lie half a pixel from where it is seen (PS3.3 C.7.6.2.1.1 places the middle).
 */
function placePixelCentres(viewport: StackViewport): void {
  const { canvasToWorld, worldToCanvas } = viewport
  const moved = (point: Types.Point3, by: number): Types.Point3 => {
    const lies = viewport.getImageData()
    if (!lies) return point // there is no image yet
    const { spacing, direction } = lies
    const along = (axis: number) => by * ((spacing[0] ?? 1) * (direction[axis] ?? 0) + (spacing[1] ?? 1) * (direction[axis + 3] ?? 0))
    return [point[0] + along(0), point[1] + along(1), point[2] + along(2)]
  }
  viewport.canvasToWorld = (point) => moved(canvasToWorld(point), -0.5)
  viewport.worldToCanvas = (point) => worldToCanvas(moved(point, 0.5))
}

/** Cornerstone's magnifier hands on all properties, and such a viewport refuses this one. */
function leaveOutLutFunction(viewport: StackViewport): void {
  const { getProperties } = viewport
  viewport.getProperties = () => {
    const { VOILUTFunction: _refused, ...others } = getProperties()
    return others
  }
}
