import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Search, Study } from '../archive/studyList'
import { viewerAddress } from '../shell/route'
import { ThemeButton } from '../shell/ThemeButton'
import { COLUMNS } from './columns'
import { ColumnMenu } from './ColumnMenu'
import { datesOf } from './dates'
import { howItWasLeft, leave, type Left, UNTOUCHED } from './left'
import { PatientTimeline } from './PatientTimeline'
import { type Filters, SearchBar } from './SearchBar'
import { StudyTable } from './StudyTable'
import { useHiddenColumns } from './useHiddenColumns'
import { useSelection } from './useSelection'
import { useStudies } from './useStudies'

/** Find a study: search, filters, the list, the patient of the selected one. */
export function StudyListPage() {
  const [before] = useState(howItWasLeft)
  const start = before ?? UNTOUCHED
  const [filters, setFilters] = useState(start.filters)
  const [sort, setSort] = useState(start.sort)
  const [hidden, toggle] = useHiddenColumns()
  const box = useRef<HTMLInputElement>(null)
  const grid = useRef<HTMLDivElement>(null)
  const search = useMemo(() => searchOf(filters, sort), [filters, sort])
  const studies = useStudies(search)
  const [selection, select] = useSelection(studies, start.selection)
  const columns = useMemo(() => COLUMNS.filter((column) => !hidden.has(column.name)), [hidden])

  const toTop = () => {
    select(0)
    if (grid.current) grid.current.scrollTop = 0
  }
  const narrow = (next: Filters) => {
    setFilters(next)
    toTop()
  }
  const order = (next: string) => {
    setSort(next)
    toTop()
  }
  useSearchKey(box)
  useReturn(grid, before, studies.total !== undefined)
  useLeaving(() => leave({ filters, sort, selection, scrollTop: grid.current?.scrollTop ?? 0 }))

  const study = studies.at(selection.row)
  return (
    <div className="list-page">
      <header className="bar">
        <h1>Radstream</h1>
        <SearchBar filters={filters} change={narrow} box={box} isFirst={!before} down={() => grid.current?.focus()} />
        <ColumnMenu hidden={hidden} toggle={toggle} />
        <ThemeButton />
        <a href="#/operations">Operations</a>
      </header>
      <main>
        <StudyTable {...{ studies, columns, sort, select, grid }} open={openStudy} setSort={order} selected={selection.row} />
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

/** Calls the latest `leaving` when the page is left, while it is still there. */
function useLeaving(leaving: () => void): void {
  const latest = useRef(leaving)
  useLayoutEffect(() => {
    latest.current = leaving
  })
  useLayoutEffect(() => () => latest.current(), [])
}

/** Where "/" leads to the search box. */
function useSearchKey(box: RefObject<HTMLInputElement | null>): void {
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
  }, [box])
}

/** Puts the list where it was left, as soon as it is as long as it was, and the keyboard into it. */
function useReturn(grid: RefObject<HTMLDivElement | null>, before: Left | undefined, isThere: boolean): void {
  useLayoutEffect(() => {
    if (!before || !isThere || !grid.current) return
    grid.current.scrollTop = before.scrollTop
    grid.current.focus({ preventScroll: true })
  }, [grid, before, isThere])
}

function searchOf(filters: Filters, sort: string): Search {
  const { text, modality, dates, urgent } = filters
  return { text: text.trim(), modality, urgent: urgent ? '1' : '', ...datesOf(dates, new Date()), sort }
}

function count(total: number | undefined): string {
  if (total === undefined) return 'Looking…'
  return total === 1 ? '1 study' : `${total.toLocaleString('en')} studies`
}
