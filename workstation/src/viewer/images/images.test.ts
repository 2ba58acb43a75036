import { expect, test, vi } from 'vitest'
import type { Dataset } from '../../archive/dataset'

vi.stubGlobal('document', { baseURI: 'http://pacs/' })
const { displaySets, isVolume, kindOf } = await import('./displaySets')
const { withKeyImages } = await import('./keyImages')
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
  expect(kindOf(image('1', { '00080016': ['1.2.840.10008.5.1.4.1.1.77.1.1.1'], '00280008': [15] }))).toBe('video')
  expect(kindOf(image('1', { '00280010': [] }))).toBe('other')
})

test('key images are the images that their document names, the frames of them that it names', () => {
  const reference = (uid: string, frames?: number[]): Dataset => ({
    '00081199': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: [uid] }, ...(frames && { '00081160': { vr: 'IS', Value: frames } }) }] },
  })
  const content: Dataset[] = [reference('1.3.2'), reference('1.9', [3, 4]), reference('1.3.77')]
  const document = { ...image('1.5', { '00080016': ['1.2.840.10008.5.1.4.1.1.88.59'] }), '0040A730': { vr: 'SQ', Value: content } }
  const sets = displaySets([slice(1, 10), slice(2, 20), image('1.9', { '00280008': [30] }), document])
  const shown = withKeyImages(sets)[2]
  expect(shown?.frames.map((frame) => frame.imageId.split('/instances/')[1])).toEqual(['1.3.2/frames/1', '1.9/frames/3', '1.9/frames/4'])
  expect(shown?.kind).toBe('stack')
  expect(withKeyImages(displaySets([document]))[0]?.kind).toBe('report')
})
