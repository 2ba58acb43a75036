import type { PersonName } from './dataset'
import { askJson, url } from './http'

/** A row of the study list, as `/study-list` gives it. */
export interface Study {
  StudyInstanceUID: string
  patient_key: string | null
  PatientID: string | null
  PatientName: PersonName | null
  PatientBirthDate: string | null
  PatientSex: string | null
  StudyDate: string | null
  StudyTime: string | null
  AccessionNumber: string | null
  StudyDescription: string | null
  ReferringPhysicianName: PersonName | null
  ModalitiesInStudy: string[]
  NumberOfStudyRelatedSeries: number | null
  NumberOfStudyRelatedInstances: number | null
  last_stored_at: string | null
  is_complete: number | null
  is_urgent?: number | null
}

export interface StudyPage {
  total: number
  studies: Study[]
}

/** What the list shows; empty fields narrow nothing. */
export interface Search {
  text?: string
  modality?: string
  from?: string
  to?: string
  urgent?: string
  patient?: string
  uids?: string
  sort?: string
}

const NOTHING: StudyPage = { total: 0, studies: [] }

export function findStudies(search: Search, skip: number, limit: number, signal?: AbortSignal): Promise<StudyPage> {
  const query = { ...search, skip: String(skip), limit: String(limit) }
  return askJson(url('study-list', query), NOTHING, { signal })
}

/** Studies of the same patient, the newest first. */
export async function studiesOfPatient(patientKey: string, signal?: AbortSignal): Promise<Study[]> {
  return (await findStudies({ patient: patientKey, sort: '-date' }, 0, 200, signal)).studies
}
