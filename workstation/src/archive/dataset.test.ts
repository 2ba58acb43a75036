import { expect, test } from 'vitest'
import { clockTime, isoDate, numbers, personName, text, texts } from './dataset'

test('a name is read by the first group that has letters, its components parted', () => {
  expect(personName({ Alphabetic: 'Sato^Hanako^^Dr.', Ideographic: '佐藤^花子' })).toBe('Sato, Hanako Dr.')
  expect(personName({ Alphabetic: '^^', Ideographic: '佐藤^花子' })).toBe('佐藤, 花子')
  expect(personName('Li^Mingyue')).toBe('Li, Mingyue')
  expect(personName(null)).toBe('')
})

test('values that are not there, or are not what they should be, are empty', () => {
  expect(text({}, '00100020')).toBe('')
  expect(text({ '00100020': { vr: 'LO', Value: [null] } }, '00100020')).toBe('')
  expect(numbers({ '00280030': { vr: 'DS', Value: [0.5, 'broken'] } }, '00280030')).toEqual([0.5])
  expect(texts({ '00080061': { vr: 'CS', Value: ['CT', 'SR'] } }, '00080061')).toEqual(['CT', 'SR'])
})

test('dates and times are written as people read them, and what is none stays', () => {
  expect(isoDate('20260115')).toBe('2026-01-15')
  expect(isoDate('January')).toBe('January')
  expect(clockTime('172621.000000')).toBe('17:26')
})
