import { type KeyboardEvent, type RefObject, useCallback, useEffect, useLayoutEffect, useState } from 'react'
import type { Study } from '../archive/studyList'
import { type Column, template } from './columns'
import { ROW_HEIGHT_PX, scrollTo, visibleRows } from './pages'
import { StudyRow } from './StudyRow'
import { useAnchor } from './useAnchor'
import type { Studies } from './useStudies'

interface Props {
  studies: Studies
  columns: Column[]
  sort: string
  setSort(sort: string): void
  selected: number
  select(row: number): void
  open(study: Study): void
  grid: RefObject<HTMLDivElement | null>
}

/** The list: only what is seen is drawn, however long it is; the keyboard goes all the way. */
export function StudyTable({ studies, columns, sort, setSort, selected, select, open, grid }: Props) {
  const total = studies.total ?? 0
  const [view, setView] = useState({ top: 0, height: 600 })
  const rows = visibleRows(view.top, view.height, total)
  const { show } = studies
  useAnchor(grid, studies, view.top)
  useEffect(() => show({ first: rows.first, end: rows.end }), [show, rows.first, rows.end])

  const measure = useCallback(() => {
    if (grid.current) setView({ top: grid.current.scrollTop, height: grid.current.clientHeight })
  }, [grid])
  useLayoutEffect(() => {
    measure()
    const observer = new ResizeObserver(measure)
    if (grid.current) observer.observe(grid.current)
    return () => observer.disconnect()
  }, [grid, measure])

  const go = (row: number) => {
    const next = Math.max(0, Math.min(total - 1, row))
    select(next)
    const body = grid.current
    if (!body) return
    const top = scrollTo(next, body.scrollTop, body.clientHeight - ROW_HEIGHT_PX)
    if (top !== undefined) body.scrollTop = top
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.height / ROW_HEIGHT_PX) - 2)
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -total, End: total }
    const step = steps[event.key]
    const study = studies.at(selected)
    if (step !== undefined) go(selected + step)
    else if (event.key === 'Enter' && study && event.target === event.currentTarget) open(study)
    else return
    event.preventDefault()
  }

  const columnsTemplate = template(columns)
  return (
    <div
      ref={grid}
      role="grid"
      aria-label="Studies"
      aria-rowcount={total + 1}
      aria-activedescendant={total > 0 ? `row-${selected}` : undefined}
      tabIndex={0}
      className="grid"
      data-search={studies.text}
      onScroll={measure}
      onKeyDown={onKeyDown}
    >
      <div role="row" aria-rowindex={1} className="row head" style={{ gridTemplateColumns: columnsTemplate }}>
        <span role="columnheader">
          <small>Flags</small>
        </span>
        {columns.map((column) => (
          <Heading key={column.name} column={column} sort={sort} setSort={setSort} />
        ))}
      </div>
      <div role="presentation" style={{ height: total * ROW_HEIGHT_PX, position: 'relative' }}>
        {Array.from({ length: rows.end - rows.first }, (_, index) => rows.first + index).map((row) => (
          <StudyRow
            key={studies.at(row)?.StudyInstanceUID ?? row}
            row={row}
            study={studies.at(row)}
            columns={columns}
            template={columnsTemplate}
            isSelected={row === selected}
            select={select}
            open={open}
          />
        ))}
      </div>
    </div>
  )
}

interface HeadingProps {
  column: Column
  sort: string
  setSort(sort: string): void
}

function Heading({ column, sort, setSort }: HeadingProps) {
  const name = column.sort
  const order = sort.replace('-', '') !== name ? 'none' : sort.startsWith('-') ? 'descending' : 'ascending'
  if (!name) return <span role="columnheader">{column.label}</span>
  return (
    <span role="columnheader" aria-sort={order}>
      <button type="button" onClick={() => setSort(order === 'descending' ? name : `-${name}`)}>
        {column.label}
        <i aria-hidden="true">{order === 'none' ? '' : order === 'ascending' ? ' ↑' : ' ↓'}</i>
      </button>
    </span>
  )
}
