import { Enums, eventTarget, type RenderingEngine, setVolumesForViewports, volumeLoader, type VolumeViewport } from '@cornerstonejs/core'
import { rangeOf } from '../windows'
import type { DisplaySet } from '../images/displaySets'
import { register } from '../images/register'
import { type Markers, planeMarkers } from '../orientation'
import { closeVolumeEngine, volumeEngine } from './setup'
import { makeVolumeGroup, removeVolumeGroup } from './tools'

export const PLANES = ['axial', 'sagittal', 'coronal'] as const
export type Plane = (typeof PLANES)[number]

const ORIENTATIONS = {
  axial: Enums.OrientationAxis.AXIAL,
  sagittal: Enums.OrientationAxis.SAGITTAL,
  coronal: Enums.OrientationAxis.CORONAL,
}

/** A volume in three planes. */
export class VolumeView {
  private isClosed = false
  private engine: RenderingEngine | undefined
  private readonly imageIds: string[]

  constructor(
    readonly set: DisplaySet,
    readonly elements: Record<string, HTMLDivElement>,
  ) {
    this.imageIds = set.frames.map((frame) => frame.imageId)
  }

  /** Shows the planes and fills them as the images come; `progress` is told how much is here, from 0 to 1. */
  async open(progress: (part: number) => void): Promise<void> {
    await register(this.set)
    if (this.isClosed) return
    const engine = (this.engine = volumeEngine())
    engine.setViewports(
      PLANES.map((plane) => ({
        viewportId: plane,
        type: Enums.ViewportType.ORTHOGRAPHIC,
        element: this.elements[plane] as HTMLDivElement,
        defaultOptions: { orientation: ORIENTATIONS[plane], background: [0, 0, 0] as [number, number, number] },
      })),
    )
    const volumeId = `cornerstoneStreamingImageVolume:${this.set.id}`
    const volume = await volumeLoader.createAndCacheVolume(volumeId, { imageIds: this.imageIds })
    if (this.isClosed) return
    progress(0)
    this.count(progress)
    ;(volume as unknown as { load(): void }).load()
    await setVolumesForViewports(engine, [{ volumeId }], [...PLANES])
    if (this.isClosed) return
    makeVolumeGroup(engine.id, [...PLANES])
    engine.renderViewports([...PLANES])
  }

  setWindow(window: { center: number; width: number }): void {
    for (const plane of PLANES) {
      this.viewport(plane)?.setProperties({ voiRange: rangeOf(window) })
      this.viewport(plane)?.render()
    }
  }

  /** The letters at the edges of a plane as it lies now; undefined before it is shown. */
  markers(plane: Plane): Markers | undefined {
    const viewport = this.viewport(plane)
    if (!viewport?.getActors().length) return undefined
    const { viewUp, viewPlaneNormal } = viewport.getCamera()
    return viewUp && viewPlaneNormal && planeMarkers(viewUp, viewPlaneNormal)
  }

  resized(): void {
    this.engine?.resize(true, true)
  }

  close(): void {
    this.isClosed = true
    this.engine = undefined
    removeVolumeGroup()
    closeVolumeEngine()
  }

  private viewport(plane: Plane): VolumeViewport | undefined {
    return this.engine?.getViewport(plane) as VolumeViewport | undefined
  }

  private count(progress: (part: number) => void): void {
    const { IMAGE_VOLUME_MODIFIED, IMAGE_VOLUME_LOADING_COMPLETED } = Enums.Events
    const modified = (event: Event) => {
      const { framesProcessed = 0, numberOfFrames = 1 } = (event as CustomEvent<Record<string, number>>).detail
      progress(Math.min(1, framesProcessed / numberOfFrames))
    }
    const completed = () => {
      progress(1)
      eventTarget.removeEventListener(IMAGE_VOLUME_MODIFIED, modified)
      eventTarget.removeEventListener(IMAGE_VOLUME_LOADING_COMPLETED, completed)
    }
    eventTarget.addEventListener(IMAGE_VOLUME_MODIFIED, modified)
    eventTarget.addEventListener(IMAGE_VOLUME_LOADING_COMPLETED, completed)
  }
}
