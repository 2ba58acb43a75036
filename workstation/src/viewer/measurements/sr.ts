import { type Dataset, text } from '../../archive/dataset'
import * as codes from './codes'
import { coded, element, sequence } from './codes'
import {
  codeItem,
  containerItem,
  coordinatesItem,
  imageItem,
  numberItem,
  templateOf,
  textItem,
  uidItem,
} from './content'
import { grouped } from '../grouped'
import type { Measurement } from './measurement'

/** Measurements as a Comprehensive SR by template TID 1500 Measurement Report (PS3.16). Pure. */

const COMPREHENSIVE_SR = '1.2.840.10008.5.1.4.1.1.88.33'
const KEY_OBJECT_SELECTION = '1.2.840.10008.5.1.4.1.1.88.59'

/** So other viewers know by which of their tools a measurement can be shown again. */
export const TRACKING_PREFIX = 'Cornerstone3DTools@^0.1.0:'
const CHARACTER_SET = 'ISO_IR 192'

const OF_THE_STUDY = ['00080020', '00080030', '00080050', '00080090', '00100010', '00100020', '00100021', '00100030', '00100040', '0020000D', '00200010', '00081030']

/** What differs each time a document is made. */
export interface Occasion {
  newUid(): string
  now: Date
}

/** A random UID (PS3.5 B.2). */
export function newUid(): string {
  return `2.25.${BigInt(`0x${crypto.randomUUID().replaceAll('-', '')}`)}`
}

/** The report of `measurements`, which belong to the study of `image`. */
export function measurementReport(image: Dataset, measurements: Measurement[], occasion: Occasion): Dataset {
  return {
    ...documentOf(image, COMPREHENSIVE_SR, 'SR', 'Measurements', occasion),
    '0040A040': element('CS', 'CONTAINER'),
    '0040A043': coded(codes.IMAGING_MEASUREMENT_REPORT),
    '0040A050': element('CS', 'SEPARATE'),
    '0040A372': { vr: 'SQ' },
    '0040A375': evidence(measurements),
    '0040A491': element('CS', 'COMPLETE'),
    '0040A493': element('CS', 'UNVERIFIED'),
    '0040A504': templateOf('1500'),
    '0040A730': sequence(
      codeItem('HAS CONCEPT MOD', codes.LANGUAGE, codes.ENGLISH),
      codeItem('HAS OBS CONTEXT', codes.OBSERVER_TYPE, codes.DEVICE),
      uidItem('HAS OBS CONTEXT', codes.DEVICE_OBSERVER_UID, occasion.newUid()),
      textItem('HAS OBS CONTEXT', codes.DEVICE_OBSERVER_NAME, 'Radstream workstation'),
      codeItem('HAS CONCEPT MOD', codes.PROCEDURE_REPORTED, codes.IMAGING_PROCEDURE),
      containerItem(codes.IMAGING_MEASUREMENTS, measurements.map(group)),
    ),
  }
}

/** The images that were marked, as a Key Object Selection Document (PS3.3 A.35.4, TID 2010). */
export function keyObjectSelection(image: Dataset, marked: Dataset[], occasion: Occasion): Dataset {
  const references = marked.map((dataset) => ({
    study: text(dataset, '0020000D'),
    series: text(dataset, '0020000E'),
    instance: text(dataset, '00080018'),
    sopClass: text(dataset, '00080016'),
  }))
  return {
    ...documentOf(image, KEY_OBJECT_SELECTION, 'KO', 'Key images', occasion),
    '0040A040': element('CS', 'CONTAINER'),
    '0040A043': coded(codes.KEY_OBJECT),
    '0040A050': element('CS', 'SEPARATE'),
    '0040A375': evidence(references),
    '0040A504': templateOf('2010'),
    '0040A730': sequence(...references.map((each) => imageItem('CONTAINS', each.sopClass, each.instance))),
  }
}

function documentOf(image: Dataset, sopClass: string, modality: string, description: string, { newUid: uid, now }: Occasion): Dataset {
  const [date, time] = [now.toISOString().slice(0, 10).replaceAll('-', ''), now.toISOString().slice(11, 19).replaceAll(':', '')]
  const copied = OF_THE_STUDY.flatMap((tag) => (image[tag] ? [[tag, image[tag]] as const] : []))
  return {
    ...Object.fromEntries(copied),
    '00080005': element('CS', CHARACTER_SET),
    '00080016': element('UI', sopClass),
    '00080018': element('UI', uid()),
    '00080023': element('DA', date),
    '00080033': element('TM', time),
    '00080060': element('CS', modality),
    '00080070': element('LO', 'Radstream'),
    '00080201': element('SH', '+0000'), // date and time above are UTC
    '0008103E': element('LO', description),
    '00081111': { vr: 'SQ' },
    '0020000E': element('UI', uid()),
    '00200011': element('IS', 9000 + (now.getTime() % 1000)),
    '00200013': element('IS', 1),
  }
}

/** The measurement group of one measurement: TID 1410 for regions, 1501 for others. */
function group(measurement: Measurement): Dataset {
  const image = imageItem('SELECTED FROM', measurement.sopClass, measurement.instance, measurement.frame)
  const isRegion = measurement.tool.endsWith('ROI')
  const region = (relationship: string, name?: codes.Code) =>
    coordinatesItem(relationship, name, measurement.shape, measurement.points, image)
  const values = measurement.values.map(({ name, value, unit }) =>
    numberItem(name, value, codes.UNITS[unit] ?? codes.NO_UNITS, isRegion ? [] : [region('INFERRED FROM')]),
  )
  // An arrow measures nothing: its place is what is reported.
  const place = isRegion || values.length === 0 ? [region('CONTAINS', codes.IMAGE_REGION)] : []
  return containerItem(
    codes.MEASUREMENT_GROUP,
    [
      textItem('HAS OBS CONTEXT', codes.TRACKING_IDENTIFIER, TRACKING_PREFIX + measurement.tool),
      uidItem('HAS OBS CONTEXT', codes.TRACKING_UID, measurement.uid),
      ...(measurement.label ? [textItem('CONTAINS', codes.COMMENT, measurement.label)] : []),
      ...place,
      ...values,
    ],
    isRegion ? '1410' : '1501',
  )
}

interface Reference {
  study: string
  series: string
  instance: string
  sopClass: string
}

/** Every instance that the document refers to, once, by study and series (PS3.3 C.17.2.1). */
function evidence(references: Reference[]) {
  const studies = grouped(references, (each) => each.study)
  return sequence(
    ...[...studies].map(([study, inStudy]) => ({
      '00081115': sequence(...[...grouped(inStudy, (each) => each.series)].map(([series, inSeries]) => seriesOf(series, inSeries))),
      '0020000D': element('UI', study),
    })),
  )
}

function seriesOf(series: string, references: Reference[]): Dataset {
  const instances = new Map(references.map((each) => [each.instance, each.sopClass]))
  return {
    '00081199': sequence(
      ...[...instances].map(([uid, sopClass]) => ({ '00081150': element('UI', sopClass), '00081155': element('UI', uid) })),
    ),
    '0020000E': element('UI', series),
  }
}

