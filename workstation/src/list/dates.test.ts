import { expect, test } from 'vitest'
import { ageOn, datesOf } from './dates'

const NOW = new Date(2026, 2, 1, 10)

test('presets are ranges of days, over the ends of months', () => {
  expect(datesOf('any', NOW)).toEqual({})
  expect(datesOf('today', NOW)).toEqual({ from: '20260301' })
  expect(datesOf('yesterday', NOW)).toEqual({ from: '20260228', to: '20260228' })
  expect(datesOf('week', NOW)).toEqual({ from: '20260223' })
})

test('an age counts birthdays, and is empty where it would be nonsense', () => {
  expect(ageOn('19800302', '20260301')).toBe('45 y')
  expect(ageOn('19800301', '20260301')).toBe('46 y')
  expect(ageOn('20270101', '20260301')).toBe('')
  expect(ageOn(null, '20260301')).toBe('')
})
