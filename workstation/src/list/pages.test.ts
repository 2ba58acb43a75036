import { expect, test } from 'vitest'
import { PAGE_SIZE, pagesOf, ROW_HEIGHT_PX, scrollTo, visibleRows } from './pages'

test('only what is seen is drawn, with some beyond', () => {
  const rows = visibleRows(50_000 * ROW_HEIGHT_PX, 800, 100_000)
  expect(rows.first).toBeLessThan(50_000)
  expect(rows.end).toBeGreaterThan(50_000 + 800 / ROW_HEIGHT_PX)
  expect(rows.end - rows.first).toBeLessThan(60)
})

test('a list that became shorter has no rows beyond its end', () => {
  expect(visibleRows(4000, 800, 3)).toEqual({ first: 3, end: 3 })
  expect(visibleRows(0, 800, 0)).toEqual({ first: 0, end: 0 })
})

test('pages cover the rows, and there is always one to ask for', () => {
  expect(pagesOf({ first: PAGE_SIZE - 1, end: PAGE_SIZE + 1 })).toEqual([0, 1])
  expect(pagesOf({ first: PAGE_SIZE, end: 2 * PAGE_SIZE })).toEqual([1])
  expect(pagesOf({ first: 0, end: 0 })).toEqual([0])
})

test('the list scrolls just as far as the selected row needs', () => {
  expect(scrollTo(0, 400, 800)).toBe(0)
  expect(scrollTo(12, 400, 800)).toBeUndefined()
  expect(scrollTo(100, 0, 800)).toBe(101 * ROW_HEIGHT_PX - 800)
})
