import { useEffect, useState } from 'react'
import { isoDate, personName } from '../archive/dataset'
import { url } from '../archive/http'
import { offered, ohifAddress } from '../archive/offered'
import { studiesOfPatient, type Study } from '../archive/studyList'
import { viewerAddress } from '../shell/route'
import { ageOn } from './dates'
import { thumbnail } from './StudyRow'

/** Everything there is of the selected study's patient, newest first, and what can be done with it. */
export function PatientTimeline({ study }: { study: Study }) {
  const others = useStudiesOf(study)
  const hasOhif = useOhif()
  const uid = study.StudyInstanceUID
  return (
    <aside className="timeline" aria-label="Patient">
      <h2>{personName(study.PatientName) || '(no name)'}</h2>
      <p>
        {[study.PatientID, study.PatientSex, isoDate(study.PatientBirthDate), ageOn(study.PatientBirthDate, study.StudyDate)]
          .filter(Boolean)
          .join(' · ')}
      </p>
      <p className="actions">
        <a className="button primary" href={viewerAddress(uid)}>
          Open
        </a>
        <a className="button" href={url(`dicom-web/studies/${uid}`, { accept: 'application/zip' })} download>
          Download
        </a>
        {hasOhif && (
          <a className="button" href={ohifAddress(uid)} target="_blank" rel="noreferrer">
            OHIF
          </a>
        )}
      </p>
      <ol>
        {others.map((other) => (
          <li key={other.StudyInstanceUID} className={other.StudyInstanceUID === uid ? 'current' : ''}>
            <Entry study={other} current={uid} />
          </li>
        ))}
      </ol>
    </aside>
  )
}

function Entry({ study, current }: { study: Study; current: string }) {
  const uid = study.StudyInstanceUID
  return (
    <>
      <img alt="" loading="lazy" src={thumbnail(uid)} onError={(event) => event.currentTarget.classList.add('absent')} />
      <div>
        <a href={viewerAddress(uid)}>
          {isoDate(study.StudyDate) || 'no date'} · {study.ModalitiesInStudy.join(', ')}
        </a>
        <span>{study.StudyDescription}</span>
        {uid !== current && <a href={viewerAddress(current, uid)}>Compare</a>}
      </div>
    </>
  )
}

function useOhif(): boolean {
  const [isThere, setThere] = useState(false)
  useEffect(() => void offered().then(({ ohif }) => setThere(ohif)), [])
  return isThere
}

function useStudiesOf(study: Study): Study[] {
  const [found, setFound] = useState<Study[]>([study])
  const key = study.patient_key
  useEffect(() => {
    setFound([study])
    if (key === null) return undefined
    const aborter = new AbortController()
    const timer = setTimeout(() => {
      studiesOfPatient(key, aborter.signal).then(setFound, () => undefined) // the study itself is shown in any case
    }, 120)
    return () => {
      clearTimeout(timer)
      aborter.abort()
    }
  }, [key, study.StudyInstanceUID])
  return found
}
