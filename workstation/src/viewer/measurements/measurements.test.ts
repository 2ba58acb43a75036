import { expect, test } from 'vitest'
import { type Dataset, items, text } from '../../archive/dataset'
import { element } from './codes'
import { described, type Measurement, valuesOf } from './measurement'
import { encodeFile } from './part10'
import { measurementsOf } from './read'
import { contentOf } from './report'
import { keyObjectSelection, measurementReport, newUid } from './sr'

const IMAGE: Dataset = {
  '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.2'),
  '00080018': element('UI', '1.3.1'),
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Müller^Jörg', Ideographic: '米勒' }] },
  '00100020': element('LO', 'P1'),
  '0020000D': element('UI', '1.1'),
  '0020000E': element('UI', '1.2'),
}
const OCCASION = { newUid: () => '1.9', now: new Date('2026-01-02T03:04:05Z') }
const WHERE = { study: '1.1', series: '1.2', instance: '1.3.1', sopClass: '1.2.840.10008.5.1.4.1.1.2' }
const LENGTH: Measurement = {
  ...{ uid: '2.25.1', tool: 'Length', label: '', ...WHERE, frame: undefined, shape: 'POLYLINE', points: [10.5, 20.5, 30, 40] },
  values: valuesOf('Length', { length: 12.345, unit: 'mm' }),
}
const ELLIPSE: Measurement = {
  ...{ uid: '2.25.2', tool: 'EllipticalROI', label: 'node', ...WHERE, frame: 3, shape: 'ELLIPSE', points: [1, 2, 3, 4, 5, 6, 7, 8] },
  values: valuesOf('EllipticalROI', { mean: -36.5, stdDev: 12, area: 400, areaUnit: 'mm²', modalityUnit: 'HU' }),
}
const ARROW: Measurement = { ...LENGTH, uid: '2.25.3', tool: 'ArrowAnnotate', label: 'here', values: [] }
const place = () => ({ study: '1.1', series: '1.2', frames: 5 })

test('what is measured is read back from the report as it was', () => {
  const report = measurementReport(IMAGE, [LENGTH, ELLIPSE, ARROW], OCCASION)
  const read = measurementsOf(report, place)
  expect(read).toEqual([{ ...LENGTH, frame: 1 }, ELLIPSE, { ...ARROW, frame: 1 }])
  expect(measurementsOf(report, () => undefined)).toEqual([])
})

test('a report names its patient, study, template and every image that it refers to, once', () => {
  const report = measurementReport(IMAGE, [LENGTH, ELLIPSE], OCCASION)
  expect(text(report, '00100020')).toBe('P1')
  expect(text(report, '0020000D')).toBe('1.1')
  expect(text(items(report, '0040A504')[0] ?? {}, '0040DB00')).toBe('1500')
  const [study] = items(report, '0040A375')
  const [series] = items(study ?? {}, '00081115')
  expect(items(series ?? {}, '00081199').map((reference) => text(reference, '00081155'))).toEqual(['1.3.1'])
})

test('a report is read as text, with numbers and units', () => {
  const tree = contentOf(measurementReport(IMAGE, [LENGTH], OCCASION))
  const group = tree.items.at(-1)?.items[0]
  expect(tree.name).toBe('Imaging Measurement Report')
  expect(group?.items.find((item) => item.name === 'Length')?.value).toBe('12.345 mm')
})

test('key images are one document', () => {
  const document = keyObjectSelection(IMAGE, [IMAGE], OCCASION)
  expect(text(document, '00080060')).toBe('KO')
  expect(items(document, '0040A730')).toHaveLength(1)
})

test('a file is written as the Standard lays it out', () => {
  const bytes = encodeFile({ ...IMAGE, '00700022': element('FL', 1.5, 2), '0040A730': { vr: 'SQ', Value: [{ '00280010': element('US', 7) }] } })
  const ascii = String.fromCharCode(...bytes)
  expect(ascii.slice(128, 132)).toBe('DICM')
  expect(ascii).toContain('1.2.840.10008.1.2.1\0')
  const name = new TextEncoder().encode('Müller^Jörg=米勒')
  const at = ascii.indexOf('\x10\0\x10\0PN')
  expect(bytes[at + 6]).toBe(name.length + (name.length % 2))
  expect([...bytes.slice(at + 8, at + 8 + name.length)]).toEqual([...name])
  expect(ascii).toContain('\xfe\xff\0\xe0\x0a\0\0\0\x28\0\x10\0US\x02\0\x07\0')
  expect(bytes.length % 2).toBe(0)
})

test('a value that is too long for its length is refused', () => {
  expect(() => encodeFile({ ...IMAGE, '00081030': element('LO', 'x'.repeat(70_000)) })).toThrow(RangeError)
})

test('what a tool did not compute is left out, and the rest is told', () => {
  expect(valuesOf('Angle', { angle: 'Incomplete Angle' })).toEqual([])
  expect(valuesOf('Probe', { value: Number.NaN })).toEqual([])
  expect(described(LENGTH)).toBe('12.3 mm')
  expect(described(ELLIPSE)).toBe('node · Mean -36.5 HU · Standard Deviation 12.0 HU · Area 400.0 mm²')
})

test('new UIDs are UIDs', () => {
  expect(newUid()).toMatch(/^2\.25\.[1-9]\d{0,38}$/)
})
