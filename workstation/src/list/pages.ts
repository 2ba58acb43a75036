/** Which rows of a long list are on screen, and which pages hold them. Pure. */

export const PAGE_SIZE = 100
export const ROW_HEIGHT_PX = 40
const MARGIN_ROWS = 12

export interface Rows {
  first: number
  /** Exclusive. */
  end: number
}

/** The rows to draw for a scroll position, with some beyond what is seen. */
export function visibleRows(scrollTop: number, height: number, total: number): Rows {
  const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT_PX) - MARGIN_ROWS)
  const end = Math.min(total, Math.ceil((scrollTop + height) / ROW_HEIGHT_PX) + MARGIN_ROWS)
  return { first: Math.min(first, end), end }
}

/** The numbers of the pages that hold `rows`. */
export function pagesOf(rows: Rows): number[] {
  if (rows.end <= rows.first) return [0]
  const first = Math.floor(rows.first / PAGE_SIZE)
  const last = Math.floor((rows.end - 1) / PAGE_SIZE)
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** Where to scroll so that `row` is seen; undefined if it is. */
export function scrollTo(row: number, scrollTop: number, height: number): number | undefined {
  const top = row * ROW_HEIGHT_PX
  if (top < scrollTop) return top
  if (top + ROW_HEIGHT_PX > scrollTop + height) return top + ROW_HEIGHT_PX - height
  return undefined
}
