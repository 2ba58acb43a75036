import type { Dataset } from '../../archive/dataset'
import { type Code, coded, decimal, element, sequence } from './codes'

/** Content items of structured reports (PS3.3 C.17.3.2). Pure. */

function item(relationship: string, type: string, name: Code | undefined, rest: Dataset): Dataset {
  return {
    '0040A010': element('CS', relationship),
    '0040A040': element('CS', type),
    ...(name && { '0040A043': coded(name) }),
    ...rest,
  }
}

export function containerItem(name: Code, items: Dataset[], template?: string): Dataset {
  return item('CONTAINS', 'CONTAINER', name, {
    '0040A050': element('CS', 'SEPARATE'),
    ...(template && { '0040A504': templateOf(template) }),
    '0040A730': sequence(...items),
  })
}

export function templateOf(identifier: string) {
  return sequence({ '00080105': element('CS', 'DCMR'), '0040DB00': element('CS', identifier) })
}

export function codeItem(relationship: string, name: Code, value: Code, items: Dataset[] = []): Dataset {
  const children: Dataset = items.length > 0 ? { '0040A730': sequence(...items) } : {}
  return item(relationship, 'CODE', name, { '0040A168': coded(value), ...children })
}

export function textItem(relationship: string, name: Code, value: string): Dataset {
  return item(relationship, 'TEXT', name, { '0040A160': element('UT', value) })
}

export function uidItem(relationship: string, name: Code, uid: string): Dataset {
  return item(relationship, 'UIDREF', name, { '0040A124': element('UI', uid) })
}

export function numberItem(name: Code, value: number, unit: Code, items: Dataset[]): Dataset {
  const measured = sequence({ '004008EA': coded(unit), '0040A30A': element('DS', decimal(value)) })
  const children: Dataset = items.length > 0 ? { '0040A730': sequence(...items) } : {}
  return item('CONTAINS', 'NUM', name, { '0040A300': measured, ...children })
}

/** Coordinates in an image: of columns and rows, from 0 at the corner of the first pixel (PS3.3 C.18.6). */
export function coordinatesItem(relationship: string, name: Code | undefined, shape: string, points: number[], image: Dataset): Dataset {
  return item(relationship, 'SCOORD', name, {
    '00700022': element('FL', ...points),
    '00700023': element('CS', shape),
    '0040A730': sequence(image),
  })
}

export function imageItem(relationship: string, sopClass: string, uid: string, frame?: number): Dataset {
  return item(relationship, 'IMAGE', undefined, {
    '00081199': sequence({
      '00081150': element('UI', sopClass),
      '00081155': element('UI', uid),
      ...(frame !== undefined && { '00081160': element('IS', frame) }),
    }),
  })
}
