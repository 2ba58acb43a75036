import { ArchiveError, ask } from './http'
import { dicomWeb, studyPath } from './studies'

/** Stores a DICOM file (STOW-RS, PS3.18 10.5); fails if the archive does not say that it did. */
export async function store(study: string, file: Uint8Array<ArrayBuffer>): Promise<void> {
  const boundary = `radstream-${crypto.randomUUID()}`
  const body = new Blob([`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, file, `\r\n--${boundary}--\r\n`])
  const answer = await ask(dicomWeb(studyPath(study)), {
    method: 'POST',
    headers: {
      'Content-Type': `multipart/related; type="application/dicom"; boundary="${boundary}"`,
      Accept: 'application/dicom+json',
    },
    body,
  })
  const stored = (await answer.json()) as { '00081199'?: { Value?: unknown[] } }
  if (!stored['00081199']?.Value?.length) throw new ArchiveError(answer.status, 'The archive did not take it.')
}
