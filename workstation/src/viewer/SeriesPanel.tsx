import { isoDate, text } from '../archive/dataset'
import { dicomWeb, seriesPath } from '../archive/studies'
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
          {sets[index - 1]?.study !== set.study && <h2>{set.study === study ? 'This study' : `Prior ${dateOf(set)}`}</h2>}
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
                src={dicomWeb(`${seriesPath(set.study, set.series)}/thumbnail`)}
                onError={(event) => event.currentTarget.classList.add('absent')}
              />
            )}
            <span>
              {set.modality} {set.seriesNumber}
              <small>{set.description}</small>
              <small>{set.frames.length > 0 ? `${set.frames.length} images` : set.kind}</small>
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

function dateOf(set: DisplaySet): string {
  return isoDate(text(set.dataset, '00080020'))
}
