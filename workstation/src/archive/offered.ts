import { askJson, url } from './http'

/** What this archive has for its pages that not every archive has. */
export interface Offered {
  ohif: boolean
}

let asked: Promise<Offered> | undefined

/** Asks once; an archive that does not say offers nothing. */
export function offered(): Promise<Offered> {
  asked ??= askJson<Offered>(url('offered'), { ohif: false }).catch(() => {
    asked = undefined // the next one may have more luck
    return { ohif: false }
  })
  return asked
}

/** Where a study is seen in OHIF. */
export function ohifAddress(study: string): string {
  return url('ohif/viewer', { StudyInstanceUIDs: study })
}
