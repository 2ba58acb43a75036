import { type Dataset, items, number, numbers, text } from '../../archive/dataset'
import type { Code } from './codes'
import { UNITS } from './codes'
import type { Measurement } from './measurement'
import { TRACKING_PREFIX } from './sr'

/** Measurements out of a report by TID 1500, ours or another viewer's. Pure. */

const MEASUREMENTS = '126010'
const GROUP = '125007'
const TRACKING_IDENTIFIER = '112039'
const TRACKING_UID = '112040'
const COMMENT = '121106'

/** Where an image is, by its SOP Instance UID. */
export type Place = (instance: string) => { study: string; series: string; frames: number } | undefined

/** The measurements of a report whose images `place` knows; what was made by no known tool is left out. */
export function measurementsOf(report: Dataset, place: Place): Measurement[] {
  const containers = items(report, '0040A730').filter((item) => conceptOf(item) === MEASUREMENTS)
  const groups = containers.flatMap((container) => items(container, '0040A730')).filter((item) => conceptOf(item) === GROUP)
  return groups.flatMap((group) => measurementOf(group, place) ?? [])
}

function measurementOf(group: Dataset, place: Place): Measurement | undefined {
  const children = items(group, '0040A730')
  const find = (concept: string) => children.find((child) => conceptOf(child) === concept)
  const tracking = text(find(TRACKING_IDENTIFIER) ?? {}, '0040A160')
  const measured = children.filter((child) => text(child, '0040A040') === 'NUM')
  const region = [...children, ...measured.flatMap((child) => items(child, '0040A730'))].find(isRegion)
  const image = region && items(items(region, '0040A730')[0] ?? {}, '00081199')[0]
  if (!tracking.startsWith(TRACKING_PREFIX) || !region || !image) return undefined
  const instance = text(image, '00081155')
  const where = place(instance)
  if (!where) return undefined
  return {
    uid: text(find(TRACKING_UID) ?? {}, '0040A124'),
    tool: tracking.slice(TRACKING_PREFIX.length),
    label: text(find(COMMENT) ?? {}, '0040A160'),
    study: where.study,
    series: where.series,
    instance,
    sopClass: text(image, '00081150'),
    frame: where.frames > 1 ? (number(image, '00081160') ?? 1) : undefined,
    shape: text(region, '00700023') as Measurement['shape'],
    points: numbers(region, '00700022'),
    values: measured.flatMap(valueOf),
  }
}

function isRegion(item: Dataset): boolean {
  return text(item, '0040A040') === 'SCOORD'
}

function conceptOf(item: Dataset): string {
  return text(items(item, '0040A043')[0] ?? {}, '00080100')
}

function valueOf(item: Dataset): Measurement['values'] {
  const measured = items(item, '0040A300')[0]
  const value = measured && number(measured, '0040A30A')
  if (value === undefined || !measured) return []
  const name = codeOf(items(item, '0040A043')[0] ?? {})
  const unit = codeOf(items(measured, '004008EA')[0] ?? {})
  const written = Object.entries(UNITS).find(([, code]) => code[0] === unit[0] && code[2] === unit[2])
  return [{ name, value, unit: written?.[0] ?? (unit[0] === '1' ? '' : unit[0]) }]
}

function codeOf(dataset: Dataset): Code {
  return [text(dataset, '00080100'), text(dataset, '00080102'), text(dataset, '00080104')]
}
