import type { Dataset, Element, Value } from '../../archive/dataset'

/** Coded concepts of a measurement report (PS3.16), and the small words to write data sets with. Pure. */
export type Code = readonly [value: string, scheme: string, meaning: string]

export const IMAGING_MEASUREMENT_REPORT: Code = ['126000', 'DCM', 'Imaging Measurement Report']
export const LANGUAGE: Code = ['121049', 'DCM', 'Language of Content Item and Descendants']
export const ENGLISH: Code = ['en', 'RFC5646', 'English']
export const OBSERVER_TYPE: Code = ['121005', 'DCM', 'Observer Type']
export const DEVICE: Code = ['121007', 'DCM', 'Device']
export const DEVICE_OBSERVER_UID: Code = ['121012', 'DCM', 'Device Observer UID']
export const DEVICE_OBSERVER_NAME: Code = ['121013', 'DCM', 'Device Observer Name']
export const PROCEDURE_REPORTED: Code = ['121058', 'DCM', 'Procedure reported']
export const IMAGING_PROCEDURE: Code = ['363679005', 'SCT', 'Imaging procedure']
export const IMAGING_MEASUREMENTS: Code = ['126010', 'DCM', 'Imaging Measurements']
export const MEASUREMENT_GROUP: Code = ['125007', 'DCM', 'Measurement Group']
export const TRACKING_IDENTIFIER: Code = ['112039', 'DCM', 'Tracking Identifier']
export const TRACKING_UID: Code = ['112040', 'DCM', 'Tracking Unique Identifier']
export const FINDING: Code = ['121071', 'DCM', 'Finding']
export const COMMENT: Code = ['121106', 'DCM', 'Comment']
export const LENGTH: Code = ['410668003', 'SCT', 'Length']
export const ANGLE: Code = ['1483009', 'SCT', 'Angle']
export const AREA: Code = ['42798000', 'SCT', 'Area']
export const MEAN: Code = ['373098007', 'SCT', 'Mean']
export const STANDARD_DEVIATION: Code = ['386136009', 'SCT', 'Standard Deviation']
export const POINT_VALUE: Code = ['112031', 'DCM', 'Attenuation Coefficient']
export const SCALAR_VALUE: Code = ['246205007', 'SCT', 'Quantity']
export const KEY_OBJECT: Code = ['113000', 'DCM', 'Of Interest']
export const IMAGE_REGION: Code = ['111030', 'DCM', 'Image Region']
export const SOURCE: Code = ['260753009', 'SCT', 'Source']

/** Units of UCUM by what the tools write for them. */
export const UNITS: Record<string, Code> = {
  mm: ['mm', 'UCUM', 'millimeter'],
  px: ['{pixels}', 'UCUM', 'pixels'],
  'mm²': ['mm2', 'UCUM', 'square millimeter'],
  'px²': ['{pixels}', 'UCUM', 'square pixels'],
  '°': ['deg', 'UCUM', 'degree'],
  HU: ["[hnsf'U]", 'UCUM', 'Hounsfield unit'],
}
export const NO_UNITS: Code = ['1', 'UCUM', 'no units']

/** An element with values. */
export function element(vr: string, ...values: Value[]): Element {
  return { vr, Value: values }
}

/** A sequence with items. */
export function sequence(...items: Dataset[]): Element {
  return { vr: 'SQ', Value: items }
}

/** A code as an item of a sequence (PS3.3 8.8). */
export function coded([value, scheme, meaning]: Code): Element {
  return sequence({ '00080100': element('SH', value), '00080102': element('SH', scheme), '00080104': element('LO', meaning) })
}

/** A number as a decimal string of at most 16 characters (PS3.5 6.2). */
export function decimal(value: number): string {
  const text = String(value)
  return text.length <= 16 ? text : value.toPrecision(10)
}
