import { useEffect, useMemo, useRef, useState } from 'react'
import type { Search, Study } from '../archive/studyList'
import { viewerAddress } from '../shell/route'
import { ThemeButton } from '../shell/ThemeButton'
import { COLUMNS } from './columns'
import { ColumnMenu } from './ColumnMenu'
import { datesOf } from './dates'
import { PatientTimeline } from './PatientTimeline'
import { type Filters, NO_FILTERS, SearchBar } from './SearchBar'
import { StudyTable } from './StudyTable'
import { useHiddenColumns } from './useHiddenColumns'
import { useStudies } from './useStudies'

/** Find a study: search, filters, the list, the patient of the selected one. */
export function StudyListPage() {
  const [filters, setFilters] = useState<Filters>(NO_FILTERS)
  const [sort, setSort] = useState('-date')
  const [selected, select] = useState(0)
  const [hidden, toggle] = useHiddenColumns()
  const box = useRef<HTMLInputElement>(null)
  const grid = useRef<HTMLDivElement>(null)
  const search = useMemo(() => searchOf(filters, sort), [filters, sort])
  const studies = useStudies(search)
  const columns = COLUMNS.filter((column) => !hidden.has(column.name))

  const narrow = (next: Filters) => {
    setFilters(next)
    select(0)
    if (grid.current) grid.current.scrollTop = 0
  }
  useEffect(() => {
    document.title = 'Studies — Radstream'
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === '/' && !(event.target instanceof HTMLInputElement)) {
        event.preventDefault()
        box.current?.select()
      }
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])

  const study = studies.at(selected)
  return (
    <div className="list-page">
      <header className="bar">
        <h1>Radstream</h1>
        <SearchBar filters={filters} change={narrow} box={box} down={() => grid.current?.focus()} />
        <ColumnMenu hidden={hidden} toggle={toggle} />
        <ThemeButton />
        <a href="#/operations">Operations</a>
      </header>
      <main>
        <StudyTable {...{ studies, columns, sort, setSort, selected, select, grid }} open={openStudy} />
        {study && <PatientTimeline study={study} />}
      </main>
      <footer><div role="status" className="status">
        <span>{count(studies.total)}</span>
        <span className={studies.connected ? 'live' : 'live lost'}>{studies.connected ? 'live' : 'connecting again…'}</span>
        {studies.error && <span className="error">{studies.error.message}</span>}
      </div></footer>
    </div>
  )
}

function openStudy(study: Study) {
  location.hash = viewerAddress(study.StudyInstanceUID)
}

function searchOf(filters: Filters, sort: string): Search {
  const { text, modality, dates, urgent } = filters
  return { text: text.trim(), modality, urgent: urgent ? '1' : '', ...datesOf(dates, new Date()), sort }
}

function count(total: number | undefined): string {
  if (total === undefined) return 'Looking…'
  return total === 1 ? '1 study' : `${total.toLocaleString('en')} studies`
}
