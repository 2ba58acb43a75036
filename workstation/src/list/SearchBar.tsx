import type { RefObject } from 'react'
import { DATE_LABELS, DATE_PRESETS, type DatePreset } from './dates'

export interface Filters {
  text: string
  modality: string
  dates: DatePreset
  urgent: boolean
}

export const NO_FILTERS: Filters = { text: '', modality: '', dates: 'any', urgent: false }

const MODALITIES = ['CT', 'MR', 'CR', 'DX', 'US', 'MG', 'NM', 'PT', 'XA', 'SR']

interface Props {
  filters: Filters
  change(filters: Filters): void
  box: RefObject<HTMLInputElement | null>
  isFirst: boolean
  down(): void
}

/** What narrows the list, at once with each key. */
export function SearchBar({ filters, change, box, isFirst, down }: Props) {
  const set = (part: Partial<Filters>) => change({ ...filters, ...part })
  return (
    <form role="search" className="search" onSubmit={(event) => event.preventDefault()}>
      <input
        ref={box}
        type="search"
        autoFocus={isFirst}
        maxLength={200}
        value={filters.text}
        aria-label="Search patient, ID, accession number, description"
        placeholder="Search patient, ID, accession, description   ( / )"
        onChange={(event) => set({ text: event.target.value })}
        onKeyDown={(event) => event.key === 'ArrowDown' && down()}
      />
      <select aria-label="Study date" value={filters.dates} onChange={(event) => set({ dates: event.target.value as DatePreset })}>
        {DATE_PRESETS.map((preset) => (
          <option key={preset} value={preset}>
            {DATE_LABELS[preset]}
          </option>
        ))}
      </select>
      <div className="chips" role="group" aria-label="Modality">
        {MODALITIES.map((modality) => (
          <button
            type="button"
            key={modality}
            aria-pressed={filters.modality === modality}
            onClick={() => set({ modality: filters.modality === modality ? '' : modality })}
          >
            {modality}
          </button>
        ))}
        <button type="button" className="stat" aria-pressed={filters.urgent} onClick={() => set({ urgent: !filters.urgent })}>
          STAT
        </button>
      </div>
    </form>
  )
}
