import { useState } from 'react'
import { dicomWeb, instancePath } from '../../archive/studies'
import { text } from '../../archive/dataset'
import type { StackView } from '../cornerstone/stackView'
import type { DisplaySet } from '../images/displaySets'
import { ReportCell } from './ReportCell'
import { StackCell } from './StackCell'

interface Props {
  cell: number
  set: DisplaySet | undefined
  put(cell: number, view: StackView | undefined): void
}

/** What a viewport shows, by the kind of its display set. */
export function Cell({ cell, set, put }: Props) {
  if (!set) return null
  switch (set.kind) {
    case 'stack':
      return <StackCell key={set.id} {...{ cell, set, put }} />
    case 'pdf':
      return <iframe className="document" title={set.description || 'Document'} src={rendered(set)} />
    case 'video':
      return <VideoCell key={set.id} {...{ cell, set, put }} />
    case 'report':
      return <ReportCell dataset={set.dataset} />
    case 'other':
      return <p className="waiting">This kind of object has no picture ({set.modality || 'no modality'}).</p>
  }
}

/** A film as the browser plays it; what it cannot play are pictures that are scrolled through. */
function VideoCell({ cell, set, put }: Props & { set: DisplaySet }) {
  const [isFilm, setFilm] = useState(true)
  if (!isFilm) return <StackCell {...{ cell, set, put }} />
  return <video className="document" controls loop src={rendered(set)} onError={() => setFilm(false)} />
}

function rendered(set: DisplaySet): string {
  return dicomWeb(`${instancePath(set.study, set.series, text(set.dataset, '00080018'))}/rendered`)
}
