import { expect, test, vi } from 'vitest'
import type { Dataset } from '../../archive/dataset'

vi.stubGlobal('document', { baseURI: 'http://pacs/' })
const { displaySets, isVolume, kindOf } = await import('./displaySets')
const { normalOf, sorted } = await import('./sorting')

function image(uid: string, changes: Record<string, (number | string)[]> = {}): Dataset {
  const values: Record<string, (number | string)[]> = {
    ...{ '00080016': ['1.2.840.10008.5.1.4.1.1.2'], '00080018': [uid], '0020000D': ['1.1'], '0020000E': ['1.2'] },
    ...{ '00280010': [512], '00280011': [512], '00200037': [1, 0, 0, 0, 1, 0] },
    ...changes,
  }
  return Object.fromEntries(Object.entries(values).map(([tag, value]) => [tag, { vr: 'UN', Value: value }]))
}

const slice = (number: number, z: number) => image(`1.3.${number}`, { '00200013': [number], '00200032': [0, 0, z] })
const order = (instances: Dataset[]) => sorted(instances).map((each) => each['00200013']?.Value?.[0])

test('images are in the order of their places, counted as the device counted', () => {
  expect(order([slice(3, 30), slice(1, 10), slice(2, 20)])).toEqual([1, 2, 3])
  expect(order([slice(3, 10), slice(1, 30), slice(2, 20)])).toEqual([1, 2, 3])
  expect(normalOf(slice(1, 0))).toEqual([0, 0, 1])
})

test('images without a place, or at the same one, are in the order of their numbers', () => {
  expect(order([image('1', { '00200013': [2] }), image('2', { '00200013': [1] })])).toEqual([1, 2])
  expect(order([slice(2, 10), slice(1, 10)])).toEqual([1, 2])
})

test('a series is parted where pictures cannot follow one another', () => {
  const loop = image('1.9', { '00280008': [30] })
  const sets = displaySets([slice(1, 10), slice(2, 20), image('1.8', { '00280010': [64] }), loop])
  expect(sets.map((set) => set.frames.length)).toEqual([2, 1, 30])
  expect(sets[2]?.frames[29]?.imageId).toBe('wadors:http://pacs/dicom-web/studies/1.1/series/1.2/instances/1.9/frames/30')
})

test('a volume is made of three images that have places', () => {
  const [three] = displaySets([slice(1, 10), slice(2, 20), slice(3, 30)])
  const [two] = displaySets([slice(1, 10), slice(2, 20)])
  expect(three && isVolume(three)).toBe(true)
  expect(two && isVolume(two)).toBe(false)
})

test('documents, reports and videos are told from images', () => {
  expect(kindOf(image('1', { '00080016': ['1.2.840.10008.5.1.4.1.1.104.1'], '00420012': ['application/pdf'] }))).toBe('pdf')
  expect(kindOf(image('1', { '00080016': ['1.2.840.10008.5.1.4.1.1.88.33'] }))).toBe('report')
  expect(kindOf(image('1', { '00083002': ['1.2.840.10008.1.2.4.102'] }))).toBe('video')
  expect(kindOf(image('1', { '00280010': [] }))).toBe('other')
})
