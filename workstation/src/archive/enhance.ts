import type { Frame } from '../viewer/images/displaySets'
import { text } from './dataset'
import { dicomWeb, instancePath } from './studies'

/** What the archive can do to a picture, in its words, and in people's. */
export const ENHANCEMENTS = [
  { steps: 'clahe', label: 'Local contrast' },
  { steps: 'auto', label: 'Automatic window' },
  { steps: 'detail', label: 'Detail' },
  { steps: 'unsharp', label: 'Sharpen' },
  { steps: 'denoise', label: 'Less noise' },
  { steps: 'denoise,clahe', label: 'Less noise + contrast' },
]

const SIDE = '768,768'

/** The URL of a frame's picture; of the enhanced one if `steps` are named. */
export function renderedFrame({ dataset, number }: Frame, steps?: string): string {
  const path = instancePath(text(dataset, '0020000D'), text(dataset, '0020000E'), text(dataset, '00080018'))
  return dicomWeb(`${path}/frames/${number}/rendered`, { viewport: SIDE, enhance: steps })
}

/** Tells whether the archive knows enhancements: one that does says of a picture how it was enhanced. */
export async function isOffered(frame: Frame): Promise<boolean> {
  const answer = await fetch(renderedFrame(frame, 'auto'))
  return answer.headers.has('Radstream-Enhanced')
}
