/** The DICOM JSON model (PS3.18 F): a data set by tag, as QIDO-RS and WADO-RS give it. */
export interface PersonName {
  Alphabetic?: string
  Ideographic?: string
  Phonetic?: string
}

export type Value = string | number | PersonName | Dataset

export interface Element {
  vr: string
  Value?: (Value | null)[]
  BulkDataURI?: string
  InlineBinary?: string
}

export interface Dataset {
  [tag: string]: Element
}

/** The first value of an attribute as text; empty if it has none. */
export function text(dataset: Dataset, tag: string): string {
  const value = dataset[tag]?.Value?.[0]
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? personName(value as PersonName) : String(value)
}

/** All values of an attribute as text. */
export function texts(dataset: Dataset, tag: string): string[] {
  const values = dataset[tag]?.Value ?? []
  return values.map((value) => (typeof value === 'object' ? personName(value as PersonName) : String(value)))
}

/** The numbers of an attribute; what is none is left out. */
export function numbers(dataset: Dataset, tag: string): number[] {
  return (dataset[tag]?.Value ?? []).map(Number).filter(Number.isFinite)
}

/** The first number of an attribute, or undefined. */
export function number(dataset: Dataset, tag: string): number | undefined {
  return numbers(dataset, tag)[0]
}

/** The items of a sequence. */
export function items(dataset: Dataset, tag: string): Dataset[] {
  return (dataset[tag]?.Value ?? []).filter((value): value is Dataset => typeof value === 'object' && value !== null)
}

/** A person name as people write it: its first group that has any letters, components parted by spaces. */
export function personName(name: PersonName | string | null | undefined): string {
  if (!name) return ''
  const groups = typeof name === 'string' ? [name] : [name.Alphabetic, name.Ideographic, name.Phonetic]
  const [family = '', ...given] = (groups.find((group) => group?.replace(/[\^\s]/g, '')) ?? '').split('^')
  const rest = given.map((part) => part.trim()).filter(Boolean).join(' ')
  return [family.trim(), rest].filter(Boolean).join(', ')
}

/** A date of the Standard (PS3.5 6.2, DA) as ISO 8601; what is none stays as it is. */
export function isoDate(date: string | null | undefined): string {
  return (date ?? '').replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')
}

/** A time of the Standard (TM) as hours and minutes. */
export function clockTime(time: string | null | undefined): string {
  return (time ?? '').replace(/^(\d\d)(\d\d).*$/, '$1:$2')
}
