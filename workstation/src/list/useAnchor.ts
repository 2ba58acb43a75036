import { type RefObject, useLayoutEffect, useRef } from 'react'
import { ROW_HEIGHT_PX } from './pages'
import type { Studies } from './useStudies'

/** Keeps what is read where it is while studies arrive above it; a list that is at its top shows them. */
export function useAnchor(grid: RefObject<HTMLDivElement | null>, { at, find, isCurrent }: Studies, top: number): void {
  const anchor = useRef<{ row: number; uid?: string }>({ row: 0 })
  useLayoutEffect(() => {
    const { row, uid } = anchor.current
    const now = uid !== undefined && isCurrent && top > 0 && at(row)?.StudyInstanceUID !== uid ? find(uid) : undefined
    if (now !== undefined && grid.current) grid.current.scrollTop += (now - row) * ROW_HEIGHT_PX
    // What is seen first is known by the study that is in it from now on.
    const first = now ?? Math.floor(top / ROW_HEIGHT_PX)
    anchor.current = { row: first, uid: isCurrent ? at(first)?.StudyInstanceUID : undefined }
  }, [grid, at, find, isCurrent, top])
}
