import { expect, test } from 'vitest'
import type { Dataset } from '../archive/dataset'
import { hang, likest } from './hanging'
import type { DisplaySet } from './images/displaySets'
import { linkedIndex, offsetBetween } from './linking'
import { lettersOf, markersOf, planeMarkers } from './orientation'
import { rangeOf, windowOf } from './windows'

function stack(id: string, modality: string, places: number[], description = ''): DisplaySet {
  const frames = places.map((z, index) => ({ imageId: `${id}/${index}`, dataset: placed(z), number: 1 }))
  const dataset = frames[0]?.dataset ?? {}
  return { id, study: '1', series: id, kind: 'stack', modality, seriesNumber: 1, description, frames, dataset }
}

function placed(z: number): Dataset {
  return { '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] }, '00200032': { vr: 'DS', Value: [0, 0, z] } }
}

test('images hang by modality, a prior beside what is most like it', () => {
  const chest = stack('a', 'CT', [0, 1, 2], 'Thorax')
  expect(hang([chest, stack('b', 'CT', [0])], []).layout).toEqual({ rows: 1, columns: 1 })
  expect(hang(['a', 'b', 'c'].map((id) => stack(id, 'MR', [0])), [])).toEqual({ layout: { rows: 1, columns: 3 }, cells: ['a', 'b', 'c'] })
  expect(hang([stack('a', 'MG', [0])], []).cells).toEqual(['a'])
  const priors = [stack('scout', 'CT', [0]), stack('lung', 'CT', [0, 1, 2], 'thorax'), stack('sr', 'SR', [])]
  expect(hang([chest], priors).cells).toEqual(['a', 'lung'])
  expect(likest(chest, [])).toBeUndefined()
})

test('linked stacks stay as far apart in the patient as they were', () => {
  const thin = stack('a', 'CT', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  const thick = stack('b', 'CT', [100, 105, 110])
  const offset = offsetBetween(thin, 0, thick, 0)
  expect(offset).toBe(100)
  expect([0, 4, 10].map((index) => linkedIndex(thin, index, thick, offset))).toEqual([0, 1, 2])
})

test('stacks without places are linked by how far one is through them', () => {
  const bare = stack('b', 'US', [0, 1, 2])
  for (const frame of bare.frames) frame.dataset = {}
  const long = stack('a', 'CT', [0, 1, 2, 3, 4])
  expect([0, 2, 4].map((index) => linkedIndex(long, index, bare, 0))).toEqual([0, 1, 2])
})

test('markers say where in the patient the edges are', () => {
  expect(lettersOf([1, 0, 0])).toBe('L')
  expect(lettersOf([0, 0.6, -0.8])).toBe('FP')
  expect(markersOf(placed(0), [1, 0, 0], [0, 1, 0])).toEqual({ left: 'R', right: 'L', top: 'A', bottom: 'P' })
  expect(markersOf(placed(0), [-1, 0, 0], [0, 1, 0])?.right).toBe('R')
})

test('planes through a volume are marked as they lie', () => {
  expect(planeMarkers([0, -1, 0], [0, 0, -1])).toEqual({ left: 'R', right: 'L', top: 'A', bottom: 'P' })
  expect(planeMarkers([0, 0, 1], [0, -1, 0])).toEqual({ left: 'R', right: 'L', top: 'H', bottom: 'F' })
  expect(planeMarkers([0, 0, 1], [1, 0, 0])).toEqual({ left: 'A', right: 'P', top: 'H', bottom: 'F' })
})

test('a radiograph is marked by its Patient Orientation, and not at all without it', () => {
  const radiograph: Dataset = { '00200020': { vr: 'CS', Value: ['L', 'F'] } }
  expect(markersOf(radiograph, [1, 0, 0], [0, 1, 0])).toEqual({ left: 'R', right: 'L', top: 'H', bottom: 'F' })
  expect(markersOf(radiograph, [0, -1, 0], [1, 0, 0])).toEqual({ left: 'F', right: 'H', top: 'R', bottom: 'L' })
  expect(markersOf({}, [1, 0, 0], [0, 1, 0])).toBeUndefined()
})

test('a window is a range of values, and back', () => {
  expect(rangeOf({ center: 40, width: 400 })).toEqual({ lower: -160, upper: 239 })
  expect(windowOf(rangeOf({ center: -600, width: 1500 }))).toEqual({ center: -600, width: 1500 })
})
