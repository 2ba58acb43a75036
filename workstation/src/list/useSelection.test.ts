import { expect, test } from 'vitest'
import type { Study } from '../archive/studyList'
import { rowOf } from './useSelection'

function listOf(...uids: string[]) {
  const at = (row: number) => (uids[row] === undefined ? undefined : ({ StudyInstanceUID: uids[row] } as Study))
  const find = (uid: string) => (uids.includes(uid) ? uids.indexOf(uid) : undefined)
  return { at, find }
}

test('a selection stays with its study when another one arrives above it', () => {
  expect(rowOf({ row: 1, uid: '1.2' }, listOf('1.1', '1.2'))).toBe(1)
  expect(rowOf({ row: 1, uid: '1.2' }, listOf('1.9', '1.1', '1.2'))).toBe(2)
})

test('a selection stays in its row when its study has gone, or is not loaded', () => {
  expect(rowOf({ row: 1, uid: '1.2' }, listOf('1.1', '1.3'))).toBe(1)
  expect(rowOf({ row: 7, uid: '1.2' }, listOf('1.1'))).toBe(7)
  expect(rowOf({ row: 0 }, listOf('1.1'))).toBe(0)
})
