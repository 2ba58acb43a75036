import { useEffect, useState } from 'react'
import type { Dataset, Element, PersonName } from '../../archive/dataset'
import { type Dictionary, dictionary, keywordOf } from '../../archive/dictionary'
import type { StackView } from '../cornerstone/stackView'
import type { DisplaySet } from '../images/displaySets'
import { useStackState } from '../useStackState'

const MOST_CHARACTERS = 400
const DEEPEST = 12

/** Every attribute of the image that is seen, searchable. */
export function TagBrowser({ set, view }: { set: DisplaySet | undefined; view: StackView | undefined }) {
  const state = useStackState(view)
  const [wanted, setWanted] = useState('')
  const [known, setKnown] = useState<Dictionary>({})
  useEffect(() => void dictionary().then(setKnown), [])
  const dataset = (state && set?.frames[state.index]?.dataset) ?? set?.dataset
  return (
    <aside className="panel tags" aria-label="Tags">
      <h2>Tags</h2>
      <input type="search" aria-label="Search tags" placeholder="Search tags" value={wanted} onChange={(event) => setWanted(event.target.value)} />
      {dataset ? <Attributes dataset={dataset} wanted={wanted.toLowerCase()} known={known} depth={0} /> : <p>No image is selected.</p>}
    </aside>
  )
}

interface Props {
  dataset: Dataset
  wanted: string
  known: Dictionary
  depth: number
}

function Attributes({ dataset, wanted, known, depth }: Props) {
  const rows = Object.keys(dataset)
    .sort()
    .map((tag) => ({ tag, element: dataset[tag] as Element, line: `(${tag.slice(0, 4)},${tag.slice(4)})` }))
    .filter(({ tag, element, line }) => !wanted || `${line} ${keywordOf(tag, known)} ${valueOf(element)}`.toLowerCase().includes(wanted))
  return (
    <dl>
      {rows.map(({ tag, element, line }) => (
        <div key={tag}>
          <dt>
            {line} {element.vr} {keywordOf(tag, known)}
          </dt>
          <dd>
            {element.vr === 'SQ' && depth < DEEPEST
              ? (element.Value ?? []).map((item, index) => (
                  <details key={index}>
                    <summary>Item {index + 1}</summary>
                    <Attributes dataset={(item ?? {}) as Dataset} wanted={wanted} known={known} depth={depth + 1} />
                  </details>
                ))
              : valueOf(element)}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function valueOf(element: Element): string {
  if (element.vr === 'SQ') return JSON.stringify(element.Value ?? [])
  if (element.BulkDataURI) return '(bulk data)'
  if (element.InlineBinary) return `(${Math.floor((element.InlineBinary.length * 3) / 4)} bytes)`
  const written = (element.Value ?? []).map((value) => (typeof value === 'object' ? groups(value as PersonName) : String(value))).join(' \\ ')
  return written.length > MOST_CHARACTERS ? `${written.slice(0, MOST_CHARACTERS)}…` : written
}

function groups(name: PersonName | null): string {
  return name ? [name.Alphabetic, name.Ideographic, name.Phonetic].filter(Boolean).join(' = ') : ''
}
