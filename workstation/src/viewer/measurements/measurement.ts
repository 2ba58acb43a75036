import type { Code } from './codes'
import { ANGLE, AREA, LENGTH, MEAN, POINT_VALUE, SCALAR_VALUE, STANDARD_DEVIATION } from './codes'

/** A measurement as it is saved, of whatever tool it was made by. */
export interface Measurement {
  uid: string
  tool: string
  label: string
  study: string
  series: string
  instance: string
  sopClass: string
  /** 1-based; of instances with several frames only. */
  frame: number | undefined
  shape: 'POINT' | 'POLYLINE' | 'ELLIPSE' | 'MULTIPOINT'
  /** Columns and rows in turn, from 0 at the corner of the first pixel. */
  points: number[]
  values: { name: Code; value: number; unit: string }[]
}

/** What a tool computes of one annotation. */
export interface Stats {
  length?: number
  angle?: number | string
  mean?: number
  stdDev?: number
  area?: number
  value?: number
  unit?: string
  areaUnit?: string
  modalityUnit?: string
}

/** The values of a tool's statistics, with their concept and unit. */
export function valuesOf(tool: string, stats: Stats): Measurement['values'] {
  const of = (name: Code, value: unknown, unit: string | undefined) =>
    typeof value === 'number' && Number.isFinite(value) ? [{ name, value, unit: unit ?? '' }] : []
  switch (tool) {
    case 'Length':
      return of(LENGTH, stats.length, stats.unit)
    case 'Angle':
      return of(ANGLE, stats.angle, '°')
    case 'Probe':
      return of(stats.modalityUnit === 'HU' ? POINT_VALUE : SCALAR_VALUE, stats.value, stats.modalityUnit)
    default:
      return [
        ...of(MEAN, stats.mean, stats.modalityUnit),
        ...of(STANDARD_DEVIATION, stats.stdDev, stats.modalityUnit),
        ...of(AREA, stats.area, stats.areaUnit),
      ]
  }
}

/** A measurement's values as people read them. */
export function described({ label, values }: Pick<Measurement, 'label' | 'values'>): string {
  const numbers = values.map(({ name, value, unit }) => `${values.length > 1 ? `${name[2]} ` : ''}${value.toFixed(1)} ${unit}`.trim())
  return [label, ...numbers].filter(Boolean).join(' · ')
}
