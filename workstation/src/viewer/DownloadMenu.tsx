import { dicomWeb, seriesPath, studyPath } from '../archive/studies'
import type { StackView } from './cornerstone/stackView'
import type { DisplaySet } from './images/displaySets'

interface Props {
  study: string
  set: DisplaySet | undefined
  view: StackView | undefined
}

/** What can be taken along: the study or series as DICOM files, the picture on screen. */
export function DownloadMenu({ study, set, view }: Props) {
  const zip = { accept: 'application/zip' }
  return (
    <details className="menu">
      <summary>Download</summary>
      <fieldset>
        <legend>Take along</legend>
        <a href={dicomWeb(studyPath(study), zip)} download>
          Study (DICOM, ZIP)
        </a>
        {set && (
          <a href={dicomWeb(seriesPath(set.study, set.series), zip)} download>
            Series (DICOM, ZIP)
          </a>
        )}
        <button disabled={!view} onClick={() => view && savePicture(view)}>
          Picture (PNG)
        </button>
      </fieldset>
    </details>
  )
}

/** Saves the picture under a name that says nothing of the patient. */
function savePicture(view: StackView): void {
  view.canvas?.toBlob((blob) => {
    if (!blob) return
    const link = document.createElement('a')
    link.href = URL.createObjectURL(blob)
    link.download = `image-${view.state.index + 1}.png`
    link.click()
    URL.revokeObjectURL(link.href)
  })
}
