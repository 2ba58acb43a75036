/** Small images to send, with whatever text in their attributes. */
import type { Dataset, Element } from '../src/archive/dataset.ts'
import { encodeFile } from '../src/viewer/measurements/part10.ts'
import { archive } from './browser'

const SIDE = 64

/** A UID that nobody else has. */
export function uid(): string {
  return `2.25.${BigInt(`0x${crypto.randomUUID().replaceAll('-', '')}`)}`
}

/** A secondary capture with a gradient as its picture. */
export function image(study: string, changes: Dataset = {}): Dataset {
  const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, index) => (index % SIDE) * 4)
  const value = (vr: string, ...values: (string | number)[]): Element => ({ vr, Value: values })
  return {
    '00080005': value('CS', 'ISO_IR 192'),
    '00080016': value('UI', '1.2.840.10008.5.1.4.1.1.7'),
    '00080018': value('UI', uid()),
    '00080020': value('DA', '20260101'),
    '00080060': value('CS', 'OT'),
    '00100010': value('PN', 'Arriving^Anna'),
    '00100020': value('LO', `A${study.slice(-8)}`),
    '0020000D': value('UI', study),
    '0020000E': value('UI', `${study}.1`.slice(0, 64)),
    '00280002': value('US', 1),
    '00280004': value('CS', 'MONOCHROME2'),
    '00280010': value('US', SIDE),
    '00280011': value('US', SIDE),
    '00280100': value('US', 8),
    '00280101': value('US', 8),
    '00280102': value('US', 7),
    '00280103': value('US', 0),
    '7FE00010': { vr: 'OB', InlineBinary: Buffer.from(pixels).toString('base64') },
    ...changes,
  }
}

/** Stores images by STOW-RS; returns when the archive has said that it keeps them. */
export async function send(...datasets: Dataset[]): Promise<void> {
  await store('application/dicom', datasets.map((dataset) => ['application/dicom', encodeFile(dataset)]))
}

/** Stores a DICOM file as it is; returns its Study Instance UID. */
export async function sendFile(file: Uint8Array<ArrayBuffer>): Promise<string> {
  const stored = await store('application/dicom', [['application/dicom', file]])
  return /studies\/([\d.]+)/.exec(JSON.stringify(stored))?.[1] ?? ''
}

/** Stores parts, each with the headers that follow its boundary, as a request of `type`. */
export async function store(type: string, parts: [headers: string, body: BlobPart][], url = archive()): Promise<unknown> {
  const boundary = 'of-the-test'
  const body = parts.flatMap(([headers, content]) => [`--${boundary}\r\nContent-Type: ${headers}\r\n\r\n`, content, '\r\n'])
  const answer = await fetch(`${url}/dicom-web/studies`, {
    method: 'POST',
    headers: { 'Content-Type': `multipart/related; type="${type}"; boundary=${boundary}`, Accept: 'application/dicom+json' },
    body: new Blob([...body, `--${boundary}--\r\n`]),
  })
  if (!answer.ok) throw new Error(`the archive answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}
