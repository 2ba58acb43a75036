import type { Dataset, Element, PersonName } from '../../archive/dataset'

/** Writing a data set as a DICOM file in Explicit VR Little Endian (PS3.5 7.1.2, PS3.10 7.1). Pure. */

const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1'
const IMPLEMENTATION_CLASS_UID = '2.25.240925302173915420987117260943820174333'
const LONG_LENGTH = new Set(['OB', 'OW', 'SQ', 'UC', 'UN', 'UR', 'UT'])
const NUMBERS: Record<string, [number, (view: DataView, at: number, value: number) => void]> = {
  US: [2, (view, at, value) => view.setUint16(at, value, true)],
  UL: [4, (view, at, value) => view.setUint32(at, value, true)],
  SL: [4, (view, at, value) => view.setInt32(at, value, true)],
  FL: [4, (view, at, value) => view.setFloat32(at, value, true)],
  FD: [8, (view, at, value) => view.setFloat64(at, value, true)],
}

/** The bytes of a file of `dataset`, whose texts have to be UTF-8: its Specific Character Set says ISO_IR 192. */
export function encodeFile(dataset: Dataset): Uint8Array<ArrayBuffer> {
  const meta = encode({
    '00020001': { vr: 'OB', InlineBinary: 'AAE=' },
    '00020002': { vr: 'UI', Value: dataset['00080016']?.Value ?? [] },
    '00020003': { vr: 'UI', Value: dataset['00080018']?.Value ?? [] },
    '00020010': { vr: 'UI', Value: [EXPLICIT_VR_LITTLE_ENDIAN] },
    '00020012': { vr: 'UI', Value: [IMPLEMENTATION_CLASS_UID] },
  })
  const length = encode({ '00020000': { vr: 'UL', Value: [meta.length] } })
  const prefix = new Uint8Array(132)
  prefix.set(new TextEncoder().encode('DICM'), 128)
  return join([prefix, length, meta, encode(dataset)])
}

function encode(dataset: Dataset): Uint8Array {
  return join(Object.keys(dataset).sort().map((tag) => encodeElement(tag, dataset[tag] as Element)))
}

function encodeElement(tag: string, element: Element): Uint8Array {
  const value = encodeValue(element)
  const isLong = LONG_LENGTH.has(element.vr)
  const head = new DataView(new ArrayBuffer(isLong ? 12 : 8))
  head.setUint16(0, parseInt(tag.slice(0, 4), 16), true)
  head.setUint16(2, parseInt(tag.slice(4), 16), true)
  head.setUint8(4, element.vr.charCodeAt(0))
  head.setUint8(5, element.vr.charCodeAt(1))
  if (isLong) head.setUint32(8, value.length, true)
  else if (value.length > 0xffff) throw new RangeError(`(${tag}) is too long for ${element.vr}`)
  else head.setUint16(6, value.length, true)
  return join([new Uint8Array(head.buffer), value])
}

function encodeValue(element: Element): Uint8Array {
  if (element.InlineBinary) return Uint8Array.from(atob(element.InlineBinary), (character) => character.charCodeAt(0))
  const values = element.Value ?? []
  if (element.vr === 'SQ') return join(values.map((item) => encodeItem(item as Dataset)))
  const written = NUMBERS[element.vr]
  if (written) return encodeNumbers(values.map(Number), written[0], written[1])
  const text = values.map((value) => (typeof value === 'object' ? encodeName(value as PersonName) : String(value))).join('\\')
  return padded(new TextEncoder().encode(text), element.vr === 'UI' ? 0 : 0x20)
}

function encodeItem(item: Dataset): Uint8Array {
  const content = encode(item)
  const head = new DataView(new ArrayBuffer(8))
  head.setUint16(0, 0xfffe, true)
  head.setUint16(2, 0xe000, true)
  head.setUint32(4, content.length, true)
  return join([new Uint8Array(head.buffer), content])
}

function encodeNumbers(values: number[], size: number, write: (view: DataView, at: number, value: number) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(size * values.length))
  values.forEach((value, index) => write(view, index * size, value))
  return new Uint8Array(view.buffer)
}

function encodeName(name: PersonName | null): string {
  if (name === null) return ''
  return [name.Alphabetic, name.Ideographic, name.Phonetic].map((group) => group ?? '').join('=').replace(/=+$/, '')
}

function padded(bytes: Uint8Array, padding: number): Uint8Array {
  return bytes.length % 2 === 0 ? bytes : join([bytes, Uint8Array.of(padding)])
}

function join(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
