/** Ranges of Study Dates that people ask for. Pure. */

export const DATE_PRESETS = ['any', 'today', 'yesterday', 'week', 'month', 'year'] as const
export type DatePreset = (typeof DATE_PRESETS)[number]

export const DATE_LABELS: Record<DatePreset, string> = {
  any: 'Any date',
  today: 'Today',
  yesterday: 'Yesterday',
  week: '7 days',
  month: '30 days',
  year: '12 months',
}

const DAYS: Record<Exclude<DatePreset, 'any' | 'yesterday'>, number> = { today: 0, week: 6, month: 29, year: 364 }

/** First and last day of a preset as the Standard writes dates (DA); open ends are left out. */
export function datesOf(preset: DatePreset, now: Date): { from?: string; to?: string } {
  if (preset === 'any') return {}
  if (preset === 'yesterday') return { from: day(now, 1), to: day(now, 1) }
  return { from: day(now, DAYS[preset]) }
}

function day(now: Date, before: number): string {
  const date = new Date(now.getFullYear(), now.getMonth(), now.getDate() - before)
  const parts = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
  return parts.map((part) => String(part).padStart(2, '0')).join('')
}

/** The age in years on a day, as reports write it; empty if a date is missing. */
export function ageOn(birth: string | null, date: string | null): string {
  if (!/^\d{8}$/.test(birth ?? '') || !/^\d{8}$/.test(date ?? '')) return ''
  const years = Math.floor((Number(date) - Number(birth)) / 10000)
  return years >= 0 && years < 140 ? `${years} y` : ''
}
