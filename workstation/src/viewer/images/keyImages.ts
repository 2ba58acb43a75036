import { items, text } from '../../archive/dataset'
import type { DisplaySet, Frame } from './displaySets'

const KEY_OBJECT_SELECTION = '1.2.840.10008.5.1.4.1.1.88.59'

/** Puts in the place of each Key Object Selection Document (PS3.3 A.35.4) the images that it names, as far as they are known. Pure. */
export function withKeyImages(sets: DisplaySet[]): DisplaySet[] {
  return sets.map((set) => {
    if (text(set.dataset, '00080016') !== KEY_OBJECT_SELECTION) return set
    const frames = items(set.dataset, '0040A730').flatMap((item) => named(item, sets))
    const description = set.description || text(items(set.dataset, '0040A043')[0] ?? {}, '00080104')
    return frames.length > 0 ? { ...set, kind: 'stack', frames, description } : set
  })
}

function named(item: DisplaySet['dataset'], sets: DisplaySet[]): Frame[] {
  const reference = items(item, '00081199')[0]
  if (!reference) return []
  const instance = text(reference, '00081155')
  const numbers = (reference['00081160']?.Value ?? []).map(Number)
  const all = sets.flatMap((set) => set.frames.filter((frame) => text(frame.dataset, '00080018') === instance))
  return numbers.length > 0 ? all.filter((frame) => numbers.includes(frame.number)) : all
}
