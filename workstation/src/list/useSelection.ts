import { useCallback, useEffect, useState } from 'react'
import type { Studies } from './useStudies'

/** The selected row, and the study that was in it when it was selected. */
export interface Selection {
  row: number
  uid?: string
}

/** Where a selection is now: with its study, wherever arrivals moved it; in its row if that study is not to be seen. Pure. */
export function rowOf({ row, uid }: Selection, { at, find }: Pick<Studies, 'at' | 'find'>): number {
  const study = at(row)
  if (uid === undefined || study === undefined || study.StudyInstanceUID === uid) return row
  return find(uid) ?? row
}

/**
 * The selected row, and what selects another one.
 *
 * A row is no study: what arrives while somebody looks moves every study below it, and Enter must not open another one
 * than the one that was selected.
 */
export function useSelection(studies: Studies, first: Selection): [Selection, (row: number) => void] {
  const [selected, setSelected] = useState(first)
  const row = rowOf(selected, studies)
  const { at, isCurrent } = studies
  const uid = isCurrent ? at(row)?.StudyInstanceUID : undefined
  useEffect(() => {
    // Of a search that is not answered yet the first row counts, whatever will be in it.
    if (uid !== undefined) setSelected((before) => (before.row === row && before.uid === uid ? before : { row, uid }))
  }, [row, uid])
  const select = useCallback((next: number) => setSelected({ row: next }), [])
  return [{ row, uid: uid ?? selected.uid }, select]
}
