import { memo, useRef, useState } from 'react'
import { url } from '../archive/http'
import type { Study } from '../archive/studyList'
import type { Column } from './columns'
import { ROW_HEIGHT_PX } from './pages'
import { isUnread } from './seen'

const HOVER_MS = 180

interface Props {
  row: number
  study: Study | undefined
  columns: Column[]
  template: string
  isSelected: boolean
  select(row: number): void
  open(study: Study): void
}

/** A study of the list, or the place that it will take. */
export const StudyRow = memo(function StudyRow({ row, study, columns, template, isSelected, select, open }: Props) {
  const [isHovered, setHovered] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const style = { gridTemplateColumns: template, transform: `translateY(${row * ROW_HEIGHT_PX}px)` }
  if (!study) return <div role="row" aria-rowindex={row + 2} aria-busy="true" className="row empty" style={style} />
  const enter = () => {
    timer.current = setTimeout(() => setHovered(true), HOVER_MS)
  }
  const leave = () => {
    clearTimeout(timer.current)
    setHovered(false)
  }
  return (
    <div
      id={`row-${row}`}
      role="row"
      aria-rowindex={row + 2}
      aria-selected={isSelected}
      className={isSelected ? 'row selected' : 'row'}
      style={style}
      onClick={() => select(row)}
      onDoubleClick={() => open(study)}
      onMouseEnter={enter}
      onMouseLeave={leave}
    >
      <span role="gridcell" className="flags">
        <Flags study={study} />
      </span>
      {columns.map((column) => (
        <span role="gridcell" key={column.name} className={column.name}>
          {column.cell(study)}
        </span>
      ))}
      {isHovered && <img className="hover" alt="" src={thumbnail(study.StudyInstanceUID)} onError={leave} />}
    </div>
  )
})

function Flags({ study }: { study: Study }) {
  return (
    <>
      {isUnread(study.StudyInstanceUID, study.NumberOfStudyRelatedInstances ?? 0) && (
        <span className="dot" role="img" aria-label="unread" title="Not opened yet" />
      )}
      {study.is_urgent === 1 && <span className="stat-flag">STAT</span>}
    </>
  )
}

/** The URL of a study's small picture. */
export function thumbnail(study: string): string {
  return url(`dicom-web/studies/${study}/thumbnail`)
}
