import { clockTime, type Dataset, isoDate, number, text } from '../../archive/dataset'
import type { StackState } from '../cornerstone/stackView'
import type { DisplaySet } from '../images/displaySets'
import { type Markers, markersOf } from '../orientation'

/** What has to be known of the picture that is seen: whose it is, which one, how it is shown, how it lies. */
export function Overlay({ set, state }: { set: DisplaySet; state: StackState }) {
  const dataset = set.frames[state.index]?.dataset ?? set.dataset
  const markers = state.isShown ? markersOf(dataset, state.right, state.down) : undefined
  return (
    <div className="overlay">
      <Lines corner="top left" lines={patientLines(dataset)} />
      <Lines corner="top right" lines={studyLines(dataset)} />
      <Lines corner="bottom left" lines={imageLines(set, state, dataset)} />
      <Lines corner="bottom right" lines={viewLines(state)} />
      <Edges markers={markers} />
    </div>
  )
}

/** What has to be known of a plane through a volume. */
export function PlaneOverlay({ set, plane, markers }: { set: DisplaySet; plane: string; markers: Markers | undefined }) {
  return (
    <div className="overlay">
      <Lines corner="top left" lines={[plane, ...patientLines(set.dataset)]} />
      <Lines corner="top right" lines={studyLines(set.dataset)} />
      <Lines corner="bottom left" lines={[set.description]} />
      <Edges markers={markers} />
    </div>
  )
}

function Edges({ markers }: { markers: Markers | undefined }) {
  if (!markers) return null
  return (['left', 'right', 'top', 'bottom'] as const).map((edge) => (
    <b key={edge} className={`marker ${edge}`}>
      {markers[edge]}
    </b>
  ))
}

function Lines({ corner, lines }: { corner: string; lines: string[] }) {
  return (
    <ul className={corner}>
      {lines.filter(Boolean).map((line, index) => (
        <li key={index}>{line}</li>
      ))}
    </ul>
  )
}

function patientLines(dataset: Dataset): string[] {
  const birth = isoDate(text(dataset, '00100030'))
  return [text(dataset, '00100010'), text(dataset, '00100020'), [birth, text(dataset, '00100040')].filter(Boolean).join(' ')]
}

function studyLines(dataset: Dataset): string[] {
  const when = `${isoDate(text(dataset, '00080020'))} ${clockTime(text(dataset, '00080030'))}`
  return [text(dataset, '00080080'), text(dataset, '00081030'), when, text(dataset, '00080050')]
}

function imageLines(set: DisplaySet, state: StackState, dataset: Dataset): string[] {
  const total = set.frames.length
  const place = number(dataset, '00201041')
  const thickness = number(dataset, '00180050')
  return [
    set.description,
    `${set.modality} · series ${set.seriesNumber} · image ${state.index + 1} of ${total}`,
    [place === undefined ? '' : `${place.toFixed(1)} mm`, thickness === undefined ? '' : `${thickness.toFixed(1)} mm thick`]
      .filter(Boolean)
      .join(' · '),
    state.loaded < total && total > 1 ? `${state.loaded} of ${total} images here` : '',
  ]
}

function viewLines({ window, zoom }: StackState): string[] {
  return [window ? `W ${Math.round(window.width)}  C ${Math.round(window.center)}` : '', `${Math.round(zoom * 100)} %`]
}
