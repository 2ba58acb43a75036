import type { ReactNode } from 'react'
import { clockTime, isoDate, personName } from '../archive/dataset'
import type { Study } from '../archive/studyList'
import { ageOn } from './dates'

/** A column of the list. */
export interface Column {
  name: string
  label: string
  /** How the archive names this order; without one the column is not sorted by. */
  sort?: string
  width: string
  cell(study: Study): ReactNode
}

export const COLUMNS: Column[] = [
  { name: 'patient', label: 'Patient', sort: 'name', width: 'minmax(10rem, 2fr)', cell: patient },
  { name: 'id', label: 'Patient ID', sort: 'id', width: 'minmax(6rem, 1fr)', cell: (study) => study.PatientID },
  { name: 'age', label: 'Age', width: '6.2rem', cell: age },
  { name: 'date', label: 'Study date', sort: 'date', width: '9.5rem', cell: when },
  { name: 'modality', label: 'Modality', width: '5.6rem', cell: modalities },
  { name: 'description', label: 'Description', sort: 'description', width: 'minmax(9rem, 2fr)', cell: (study) => study.StudyDescription },
  { name: 'accession', label: 'Accession', sort: 'accession', width: 'minmax(6rem, 1fr)', cell: (study) => study.AccessionNumber },
  { name: 'referring', label: 'Referred by', width: 'minmax(7rem, 1fr)', cell: (study) => personName(study.ReferringPhysicianName) },
  { name: 'arrived', label: 'Arrived', sort: 'arrival', width: '8.5rem', cell: arrived },
  { name: 'images', label: 'Images', sort: 'instances', width: '6.5rem', cell: images },
]

function patient(study: Study) {
  return <strong>{personName(study.PatientName) || '(no name)'}</strong>
}

function age(study: Study) {
  return [study.PatientSex, ageOn(study.PatientBirthDate, study.StudyDate)].filter(Boolean).join(' · ')
}

function when(study: Study) {
  return `${isoDate(study.StudyDate)} ${clockTime(study.StudyTime)}`.trim()
}

function modalities(study: Study) {
  return study.ModalitiesInStudy.map((modality) => (
    <span className="badge" key={modality}>
      {modality}
    </span>
  ))
}

function arrived(study: Study) {
  const moment = new Date(study.last_stored_at ?? '')
  if (Number.isNaN(moment.getTime())) return ''
  const isToday = moment.toDateString() === new Date().toDateString()
  const time = moment.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  return isToday ? time : `${moment.toLocaleDateString()} ${time}`
}

function images(study: Study) {
  return `${study.NumberOfStudyRelatedInstances ?? 0} in ${study.NumberOfStudyRelatedSeries ?? 0}`
}

/** The grid's template for the columns that are shown, the flags before them. */
export function template(columns: Column[]): string {
  return ['3.4rem', ...columns.map((column) => column.width)].join(' ')
}
