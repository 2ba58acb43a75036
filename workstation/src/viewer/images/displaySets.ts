import { type Dataset, number, text } from '../../archive/dataset'
import { dicomWeb, instancePath } from '../../archive/studies'
import { grouped } from '../grouped'
import { sorted } from './sorting'

/** One picture of a stack: a frame of an instance. */
export interface Frame {
  imageId: string
  dataset: Dataset
  /** 1-based, as the Standard counts. */
  number: number
}

export type Kind = 'stack' | 'pdf' | 'video' | 'report' | 'other'

/** What one viewport shows: the images of a series that belong together, or a document. */
export interface DisplaySet {
  id: string
  study: string
  series: string
  kind: Kind
  modality: string
  seriesNumber: number
  description: string
  frames: Frame[]
  /** The first instance; of a document the only one. */
  dataset: Dataset
}

const DOCUMENT = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.104\./
const REPORT = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\./
/** Video Endoscopic, Microscopic, Photographic Image (PS3.4 B.5); that it is no film after all shows when it is played. */
const VIDEO = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.77\.1\.[124]\.1$/

/** Tells what an instance is to a viewer. */
export function kindOf(dataset: Dataset): Kind {
  const sopClass = text(dataset, '00080016')
  if (DOCUMENT.test(sopClass)) return text(dataset, '00420012') === 'application/pdf' ? 'pdf' : 'other'
  if (REPORT.test(sopClass)) return 'report'
  if (VIDEO.test(sopClass) && (number(dataset, '00280008') ?? 1) > 1) return 'video'
  return number(dataset, '00280010') && number(dataset, '00280011') ? 'stack' : 'other'
}

/**
 * Parts the instances of a series into display sets.
 *
 * Instances of several frames, and images of another size than the others, stand for themselves: a stack scrolls through
 * pictures that can follow one another.
 */
export function displaySets(instances: Dataset[]): DisplaySet[] {
  return [...grouped(instances, groupOf)].map(([key, members]) => displaySet(key, sorted(members)))
}

function groupOf(instance: Dataset): string {
  const uid = text(instance, '00080018')
  if (kindOf(instance) !== 'stack' || (number(instance, '00280008') ?? 1) > 1) return uid
  return [number(instance, '00280010'), number(instance, '00280011'), number(instance, '00280002') ?? 1].join('x')
}

function displaySet(key: string, members: Dataset[]): DisplaySet {
  const first = members[0]
  if (first === undefined) throw new Error('a display set has an instance')
  const kind = kindOf(first)
  return {
    id: `${text(first, '0020000E')}/${key}`,
    study: text(first, '0020000D'),
    series: text(first, '0020000E'),
    kind,
    modality: text(first, '00080060'),
    seriesNumber: number(first, '00200011') ?? 0,
    description: text(first, '0008103E') || text(first, '00081030'),
    frames: kind === 'stack' || kind === 'video' ? members.flatMap(framesOf) : [],
    dataset: first,
  }
}

function framesOf(dataset: Dataset): Frame[] {
  const path = instancePath(text(dataset, '0020000D'), text(dataset, '0020000E'), text(dataset, '00080018'))
  return Array.from({ length: Math.max(1, number(dataset, '00280008') ?? 1) }, (_, index) => ({
    imageId: `wadors:${dicomWeb(`${path}/frames/${index + 1}`)}`,
    dataset,
    number: index + 1,
  }))
}

/** Tells whether the images make a volume: three or more parallel ones at different places. */
export function isVolume(set: DisplaySet): boolean {
  const placed = set.frames.filter((frame) => frame.dataset['00200032']?.Value && frame.dataset['00200037']?.Value)
  return set.frames.length > 2 && placed.length === set.frames.length && new Set(set.frames.map((f) => f.dataset)).size > 2
}
