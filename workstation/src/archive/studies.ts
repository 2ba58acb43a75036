import type { Dataset } from './dataset'
import { askJson, url } from './http'

/** The address of something below the DICOMweb service (PS3.18 10.4.1). */
export function dicomWeb(path: string, query: Record<string, string | undefined> = {}): string {
  return url(`dicom-web/${path}`, query)
}

export function studyPath(study: string): string {
  return `studies/${study}`
}

export function seriesPath(study: string, series: string): string {
  return `${studyPath(study)}/series/${series}`
}

export function instancePath(study: string, series: string, instance: string): string {
  return `${seriesPath(study, series)}/instances/${instance}`
}

const SERIES_ATTRIBUTES = '0008103E,00080021,00080031,00180015,00080005'

/** The series of a study as QIDO-RS gives them (PS3.18 10.6). */
export function findSeries(study: string, signal?: AbortSignal): Promise<Dataset[]> {
  return askJson<Dataset[]>(dicomWeb(`${studyPath(study)}/series`, { includefield: SERIES_ATTRIBUTES }), [], { signal })
}

/** The attributes of every instance of a series (PS3.18 10.4.1.1.2). */
export function retrieveMetadata(study: string, series: string, signal?: AbortSignal): Promise<Dataset[]> {
  return askJson<Dataset[]>(dicomWeb(`${seriesPath(study, series)}/metadata`), [], { signal })
}

/** The study itself, with the attributes that overlays show. */
export async function findStudy(study: string, signal?: AbortSignal): Promise<Dataset | undefined> {
  const address = dicomWeb('studies', { StudyInstanceUID: study, includefield: '00081030' })
  return (await askJson<Dataset[]>(address, [], { signal }))[0]
}
