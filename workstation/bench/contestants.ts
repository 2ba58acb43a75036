/** How two viewers of the same archive are used: where their pages are, and how one sees that something is shown. */
import type { Page } from 'playwright-core'
import type { StudyRow } from '../e2e/browser'

export interface Contestant {
  name: string
  /** The address of the study list, below the archive. */
  list: string
  /** The selector of what stands in the list for a study. */
  row(study: StudyRow): string
  /** The address of a study in the viewer. */
  viewer(study: StudyRow): string
  /** The canvases on which images are drawn. */
  canvases: string
  /** A picture that stands for the image until its values are here, if there is such a thing. */
  preview?: string
  /** Puts away what a first visit has to confirm. */
  settle(page: Page): Promise<unknown>
  /** Goes to a volume in three planes, from nowhere. */
  planes(page: Page, study: StudyRow, archive: string): Promise<unknown>
  planeCanvases: string
  planePreviews?: string
}

const familyOf = (study: StudyRow) => study.PatientName?.Alphabetic?.split('^')[0] ?? ''

export const RADSTREAM: Contestant = {
  name: 'Radstream',
  list: '',
  row: (study) => `[role=row]:has-text("${familyOf(study)}"):has-text("${study.NumberOfStudyRelatedInstances} in ")`,
  viewer: (study) => `#/view/${study.StudyInstanceUID}`,
  canvases: '.stack canvas',
  preview: '.preview',
  settle: async () => undefined,
  planes: async (page, study, archive) => {
    await page.goto(`${archive}/${RADSTREAM.viewer(study)}`)
    await page.getByRole('button', { name: 'MPR', exact: true }).click()
  },
  planeCanvases: '.mpr canvas',
  planePreviews: '.mpr .preview',
}

export const OHIF: Contestant = {
  name: 'OHIF',
  list: 'ohif/',
  row: (study) => `text=${familyOf(study)}`,
  viewer: (study) => `ohif/viewer?StudyInstanceUIDs=${study.StudyInstanceUID}`,
  canvases: 'canvas.cornerstone-canvas',
  settle: (page) => page.getByText('Confirm and hide').click(),
  planes: (page, study, archive) => page.goto(`${archive}/${OHIF.viewer(study)}&hangingProtocolId=mpr`),
  planeCanvases: 'canvas.cornerstone-canvas',
}
