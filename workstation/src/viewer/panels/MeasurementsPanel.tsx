import { useEffect, useMemo, useState } from 'react'
import { text } from '../../archive/dataset'
import { store } from '../../archive/stow'
import type { StackView } from '../cornerstone/stackView'
import type { DisplaySet } from '../images/displaySets'
import { draw, drawn, erase } from '../measurements/annotations'
import { described, type Measurement } from '../measurements/measurement'
import { encodeFile } from '../measurements/part10'
import { measurementsOf } from '../measurements/read'
import { keyObjectSelection, measurementReport, newUid } from '../measurements/sr'
import { useAnnotationVersion } from '../measurements/useAnnotationVersion'
import type { Views } from '../useViews'

interface Props {
  sets: DisplaySet[]
  show(set: string, cell?: number): void
  views: Views
  /** The stack that is looked at. */
  view: StackView | undefined
  /** Asks the archive again for what the study holds. */
  reload(): void
}

/** What was measured: go there, take it away, save it all as a structured report. */
export function MeasurementsPanel({ sets, show, views, view, reload }: Props) {
  const version = useAnnotationVersion()
  const measurements = useMemo(() => drawn(sets), [sets, version])
  const [said, say] = useState('')
  const [keyImages, setKeyImages] = useState<string[]>([])

  const save = (study: string, make: () => Uint8Array<ArrayBuffer>, what: string) => {
    say('Saving…')
    Promise.resolve()
      .then(() => store(study, make()))
      .then(() => {
        say(`${what} saved.`)
        setTimeout(reload, 1000) // the archive finds it as soon as it is indexed
      })
      .catch((error: Error) => say(`Not saved: ${error.message}`))
  }
  const mark = () => {
    const frame = view?.set.frames[view.state.index]
    if (frame) setKeyImages((before) => [...new Set([...before, text(frame.dataset, '00080018')])])
  }
  const occasion = () => ({ newUid, now: new Date() })
  const study = measurements[0]?.study
  const saveReport = () => {
    const own = measurements.filter((each) => each.study === study)
    const image = sets.find((set) => set.study === study)?.dataset
    if (study && image) save(study, () => encodeFile(measurementReport(image, own, occasion())), 'Measurements')
  }
  const saveKeys = () => {
    const marked = sets.flatMap((set) => set.frames.map((frame) => frame.dataset)).filter(isOneOf(keyImages))
    const unique = [...new Set(marked)]
    const image = unique[0]
    if (image) save(text(image, '0020000D'), () => encodeFile(keyObjectSelection(image, unique, occasion())), 'Key images')
  }
  return (
    <aside className="panel" aria-label="Measurements">
      <h2>Measurements</h2>
      <ul className="measurements">
        {measurements.map((each) => (
          <li key={each.uid}>
            <button onClick={() => goTo(each, sets, show, views)}>
              {each.tool} {described(each)}
            </button>
            <button aria-label={`Delete ${each.tool}`} onClick={() => erase(each.uid)}>
              ✕
            </button>
          </li>
        ))}
      </ul>
      {measurements.length === 0 && <p>Nothing is measured yet.</p>}
      <button className="primary" disabled={measurements.length === 0} onClick={saveReport}>
        Save as report
      </button>
      <h2>Key images</h2>
      <p>{keyImages.length} marked</p>
      <button onClick={mark}>Mark this image</button>
      <button disabled={keyImages.length === 0} onClick={saveKeys}>
        Save key images
      </button>
      <p role="status">{said}</p>
    </aside>
  )
}

function isOneOf(uids: string[]) {
  return (dataset: DisplaySet['dataset']) => uids.includes(text(dataset, '00080018'))
}

function goTo(measurement: Measurement, sets: DisplaySet[], show: Props['show'], views: Views): void {
  const index = (set: DisplaySet) =>
    set.frames.findIndex((frame) => text(frame.dataset, '00080018') === measurement.instance && frame.number === (measurement.frame ?? 1))
  const showing = views.all().find((each) => index(each.set) >= 0)
  if (showing) showing.scrollTo(index(showing.set))
  else {
    const set = sets.find((each) => index(each) >= 0)
    if (set) show(set.id)
  }
}

/** Draws what the reports of a study say was measured, as soon as report and images are known. */
export function useSavedMeasurements(sets: DisplaySet[]): void {
  useEffect(() => {
    const place = (instance: string) => {
      const set = sets.find((each) => each.frames.some((frame) => text(frame.dataset, '00080018') === instance))
      const frames = set?.frames.filter((frame) => text(frame.dataset, '00080018') === instance).length ?? 0
      return set && { study: set.study, series: set.series, frames }
    }
    const reports = sets.filter((set) => set.kind === 'report')
    const read = reports.flatMap((report) => measurementsOf(report.dataset, place))
    draw(read, sets).catch(() => undefined) // the report itself can be read all the same
  }, [sets])
}
