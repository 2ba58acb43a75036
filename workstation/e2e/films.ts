/** A video to store: half a second that the browser records itself. */
import type { Page } from 'playwright-core'
import type { Dataset } from '../src/archive/dataset.ts'
import { image, store, uid } from './images'

const SIDE = 64
const H264 = 'video/mp4;codecs=avc1.42E01E'
const MPEG4_HIGH_PROFILE = '1.2.840.10008.1.2.4.102'

/** Records a moving square as MPEG-4 AVC/H.264; undefined where the browser cannot. */
export async function filmed(page: Page): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const base64 = await page.evaluate(record, { side: SIDE, type: H264 })
  return base64 ? Uint8Array.from(Buffer.from(base64, 'base64')) : undefined
}

async function record({ side, type }: { side: number; type: string }): Promise<string> {
  if (!MediaRecorder.isTypeSupported(type)) return ''
  const canvas = Object.assign(document.createElement('canvas'), { width: side, height: side })
  const context = canvas.getContext('2d')
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: type })
  const pieces: Blob[] = []
  recorder.ondataavailable = (event) => pieces.push(event.data)
  const ended = new Promise((resolve) => (recorder.onstop = resolve))
  recorder.start()
  for (let at = 0; at < 15; at += 1) {
    context?.clearRect(0, 0, side, side)
    context?.fillRect(at * 3, 10, 16, 16)
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  recorder.stop()
  await ended
  const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer())
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

/** Stores a film as Video Endoscopic Image (PS3.3 A.32.5), its bytes in a part of their own (PS3.18 8.7.3.4). */
export async function sendVideo(study: string, film: Uint8Array<ArrayBuffer>): Promise<void> {
  const { '7FE00010': _pixels, ...rest } = image(study)
  const dataset: Dataset = {
    ...rest,
    '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.77.1.1.1'] },
    '00080060': { vr: 'CS', Value: ['ES'] },
    '0020000E': { vr: 'UI', Value: [uid()] },
    '00181063': { vr: 'DS', Value: [40] },
    '00280002': { vr: 'US', Value: [3] },
    '00280004': { vr: 'CS', Value: ['YBR_PARTIAL_420'] },
    '00280006': { vr: 'US', Value: [0] },
    '00280008': { vr: 'IS', Value: [15] },
    '00280009': { vr: 'AT', Value: ['00181063'] },
    '7FE00010': { vr: 'OB', BulkDataURI: 'film' },
  }
  await store('application/dicom+json', [
    ['application/dicom+json', JSON.stringify([dataset])],
    [`video/mp4; transfer-syntax=${MPEG4_HIGH_PROFILE}\r\nContent-Location: film`, film],
  ])
}
