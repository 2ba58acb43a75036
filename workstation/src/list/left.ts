import { type Filters, NO_FILTERS } from './SearchBar'
import type { Selection } from './useSelection'

/** How the list was left for a study, so that who comes back finds it as it was. */
export interface Left {
  filters: Filters
  sort: string
  selection: Selection
  scrollTop: number
}

let left: Left | undefined

/** How the list was left; undefined if it was not shown yet. */
export function howItWasLeft(): Left | undefined {
  return left
}

/** Remembers how the list is left; in this page's memory alone, since people search for names. */
export function leave(now: Left): void {
  left = now
}

export const UNTOUCHED: Left = { filters: NO_FILTERS, sort: '-date', selection: { row: 0 }, scrollTop: 0 }
