import { dicomWeb, studyPath } from '../../archive/studies'

/** The picture that the archive keeps of a study: the first thing on screen, until its images are known. */
export function StudyPreview({ study }: { study: string }) {
  return <img className="preview" alt="" src={dicomWeb(`${studyPath(study)}/thumbnail`)} />
}
