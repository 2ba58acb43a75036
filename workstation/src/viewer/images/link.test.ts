import { expect, test } from 'vitest'
import { acceptFor, megabitsPerS, saysUncompressed, seriesOf } from './link'

const answer = (transferSize: number, responseStart: number, responseEnd: number) => ({ transferSize, responseStart, responseEnd })

test('answers that come at the same time share the link', () => {
  expect(megabitsPerS([answer(125_000, 0, 100)])).toBeCloseTo(10)
  expect(megabitsPerS([answer(125_000, 0, 100), answer(125_000, 0, 100)])).toBeCloseTo(20)
  expect(megabitsPerS([answer(125_000, 500, 600), answer(125_000, 0, 100)])).toBeCloseTo(10)
  expect(megabitsPerS([answer(125_000, 0, 100), answer(125_000, 50, 150)])).toBeCloseTo(13.33, 1)
})

test('small answers, and those out of a cache, tell nothing', () => {
  expect(megabitsPerS([])).toBeUndefined()
  expect(megabitsPerS([answer(1000, 0, 100), answer(0, 0, 1)])).toBeUndefined()
  expect(megabitsPerS([answer(70_000, 7, 7)])).toBeUndefined()
})

test('HTJ2K is asked for over a slow link, of what is stored uncompressed', () => {
  expect(acceptFor(true, 20)).toMatch(/^multipart\/related; type=image\/jphc; transfer-syntax=1.2.840.10008.1.2.4.201, .*\*; q=0.5$/)
  for (const asked of [acceptFor(true, 900), acceptFor(true, undefined), acceptFor(false, 20)]) expect(asked).not.toContain('jphc')
})

test('the first answer of a series says how it is stored', () => {
  expect(saysUncompressed('multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1; boundary=a')).toBe(true)
  expect(saysUncompressed('multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50; boundary=a')).toBe(false)
  expect(saysUncompressed(null)).toBe(false)
  expect(seriesOf('wadors:http://pacs/dicom-web/studies/1.1/series/1.2/instances/1.3/frames/1')).toBe('1.2')
})
