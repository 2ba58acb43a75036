import { isoDate, text } from '../archive/dataset'
import { dicomWeb, instancePath, seriesPath } from '../archive/studies'
import type { DisplaySet } from './images/displaySets'

interface Props {
  sets: DisplaySet[]
  study: string
  failures: { series: string; reason: string }[]
  shown: (string | undefined)[]
  show(set: string): void
}

/** The series of the study, or of both studies; each is shown by a click, or dropped on a viewport. */
export function SeriesPanel({ sets, study, failures, shown, show }: Props) {
  return (
    <nav className="series" aria-label="Series">
      {sets.map((set, index) => (
        <div key={set.id}>
          {sets[index - 1]?.study !== set.study && <Heading own={sets.find((each) => each.study === study)} set={set} />}
          <button
            draggable
            aria-pressed={shown.includes(set.id)}
            onDragStart={(event) => event.dataTransfer.setData('text/plain', set.id)}
            onClick={() => show(set.id)}
          >
            {set.kind === 'stack' && (
              <img
                alt=""
                loading="lazy"
                src={thumbnail(set)}
                onError={(event) => event.currentTarget.classList.add('absent')}
              />
            )}
            <span>
              {set.modality} {set.seriesNumber}
              <small>{set.description}</small>
              <small>{set.frames.length > 0 ? `${set.frames.length} image${set.frames.length > 1 ? 's' : ''}` : set.kind}</small>
            </span>
          </button>
        </div>
      ))}
      {failures.map((failure, index) => (
        <p key={index} role="alert" className="error">
          {failure.series} {failure.reason}
        </p>
      ))}
    </nav>
  )
}

/** The picture that the archive keeps of a series; of key images that of the first. */
function thumbnail({ study, series, frames }: DisplaySet): string {
  const first = frames[0]?.dataset ?? {}
  const own = text(first, '0020000E')
  return dicomWeb(`${own === series ? seriesPath(study, series) : instancePath(study, own, text(first, '00080018'))}/thumbnail`)
}

/** What a study is beside the one that was opened; that it is another person's must not be overlooked. */
function Heading({ own, set }: { own: DisplaySet | undefined; set: DisplaySet }) {
  if (!own || own.study === set.study) return <h2>This study</h2>
  const day = ({ dataset }: DisplaySet) => text(dataset, '00080020')
  const [before, after] = [day(set) < day(own), day(set) > day(own)]
  return (
    <>
      <h2>{`${before ? 'Prior' : after ? 'Later' : 'Other'} ${isoDate(day(set))}`}</h2>
      {patientOf(own) !== patientOf(set) && (
        <p role="alert" className="error">
          Another patient: {text(set.dataset, '00100010')} {text(set.dataset, '00100020')}
        </p>
      )}
    </>
  )
}

function patientOf({ dataset }: DisplaySet): string {
  return [text(dataset, '00100020'), text(dataset, '00100021')].join('\n')
}
