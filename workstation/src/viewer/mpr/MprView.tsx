import { Enums } from '@cornerstonejs/core'
import { useEffect, useRef, useState } from 'react'
import { dicomWeb, seriesPath } from '../../archive/studies'
import { PlaneOverlay } from '../cells/Overlay'
import { takeCrosshairs } from '../cornerstone/tools'
import { type Plane, PLANES, VolumeView } from '../cornerstone/volumeView'
import type { DisplaySet } from '../images/displaySets'
import type { Markers } from '../orientation'
import { presetsOf } from '../windows'

interface Props {
  set: DisplaySet
  close(): void
}

const PREVIEWS_WITHIN_MS = 250

type EdgesOf = Partial<Record<Plane, Markers | undefined>>

/** A volume in three planes, joined by crosshairs. */
export function MprView({ set, close }: Props) {
  const elements = useRef<Partial<Record<Plane, HTMLDivElement | null>>>({})
  const previews = useRef(new Set<HTMLImageElement>())
  const [view, setView] = useState<VolumeView>()
  const [progress, setProgress] = useState<number>()
  const [failure, setFailure] = useState('')
  const [markers, setMarkers] = useState<EdgesOf>({})
  const [hasCrosshairs, setCrosshairs] = useState(true)

  useEffect(() => {
    const shown = elements.current as Record<Plane, HTMLDivElement>
    const opened = new VolumeView(set, shown)
    const observer = new ResizeObserver(() => opened.resized())
    const turned = (plane: Plane) => () => setMarkers((before) => changed(before, plane, opened.markers(plane)))
    const listeners = PLANES.map((plane) => [shown[plane], turned(plane)] as const)
    for (const [element, listener] of listeners) {
      observer.observe(element)
      element.addEventListener(Enums.Events.IMAGE_RENDERED, listener)
    }
    setView(opened)
    settled(previews.current)
      .then(() => opened.open(setProgress))
      .then(
        () => takeCrosshairs(true),
        (error: Error) => setFailure(error.message),
      )
    return () => {
      observer.disconnect()
      for (const [element, listener] of listeners) element.removeEventListener(Enums.Events.IMAGE_RENDERED, listener)
      opened.close()
    }
  }, [set])
  useEffect(() => takeCrosshairs(hasCrosshairs), [hasCrosshairs])

  return (
    <main className="cells mpr" aria-label="Multiplanar reconstruction">
      <div className="mpr-bar">
        <button aria-pressed={hasCrosshairs} onClick={() => setCrosshairs(!hasCrosshairs)}>
          Crosshairs
        </button>
        {presetsOf(set.modality).map((preset) => (
          <button key={preset.name} onClick={() => view?.setWindow(preset)}>
            {preset.name}
          </button>
        ))}
        <button onClick={close}>Back to the stack</button>
        <span role="status">{told(progress)}</span>
      </div>
      {PLANES.map((plane) => (
        <section key={plane} className="cell" aria-label={plane}>
          <div
            className="stack"
            ref={(element) => {
              elements.current[plane] = element
            }}
            onContextMenu={(event) => event.preventDefault()}
          />
          {!markers[plane] && (
            <img
              className="preview"
              alt=""
              src={renderedPlane(set, plane)}
              ref={(image) => void (image && previews.current.add(image))}
              onError={(event) => event.currentTarget.classList.add('absent')}
            />
          )}
          <PlaneOverlay set={set} plane={plane} markers={markers[plane]} />
        </section>
      ))}
      {failure && (
        <p role="alert" className="cover">
          The volume cannot be shown: {failure}
        </p>
      )}
    </main>
  )
}

/** The archive's picture of a plane through the middle. */
function renderedPlane({ study, series }: DisplaySet, plane: Plane): string {
  const side = String(Math.min(1024, Math.round(innerHeight * devicePixelRatio)))
  return dicomWeb(`${seriesPath(study, series)}/rendered`, { plane, viewport: `${side},${side}` })
}

/** Waits until the archive's pictures are drawn: filling a volume leaves the page no time for that. */
async function settled(previews: Iterable<HTMLImageElement>): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, PREVIEWS_WITHIN_MS))
  const drawn = Promise.allSettled([...previews].map((image) => image.decode()))
  await Promise.race([late, drawn])
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
}

/** The same object unless a plane was turned: cameras move far more often than letters change. */
function changed(before: EdgesOf, plane: Plane, markers: Markers | undefined): EdgesOf {
  return JSON.stringify(before[plane]) === JSON.stringify(markers) ? before : { ...before, [plane]: markers }
}

function told(progress: number | undefined): string {
  if (progress === undefined) return 'Preparing…'
  return progress < 1 ? `${Math.round(progress * 100)} % of the volume is here` : ''
}
