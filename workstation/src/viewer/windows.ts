/** Windows that people choose by name, by modality. Values are those of the Modality LUT: of CT, Hounsfield units. */
export interface WindowPreset {
  name: string
  center: number
  width: number
}

const CT: WindowPreset[] = [
  { name: 'Soft tissue', center: 40, width: 400 },
  { name: 'Lung', center: -600, width: 1500 },
  { name: 'Bone', center: 480, width: 2500 },
  { name: 'Brain', center: 40, width: 80 },
  { name: 'Mediastinum', center: 50, width: 350 },
  { name: 'Liver', center: 90, width: 150 },
  { name: 'Angio', center: 300, width: 600 },
]

const BY_MODALITY: Record<string, WindowPreset[]> = { CT }

/** The presets of a modality; of the others the image's own window is the one that means anything. */
export function presetsOf(modality: string): WindowPreset[] {
  return BY_MODALITY[modality] ?? []
}

/** Lower and upper bound of a window by the linear function (PS3.3 C.11.2.1.2.1). */
export function rangeOf({ center, width }: { center: number; width: number }): { lower: number; upper: number } {
  return { lower: center - 0.5 - (width - 1) / 2, upper: center - 0.5 + (width - 1) / 2 }
}

/** Center and width of a range, the inverse of `rangeOf`. */
export function windowOf({ lower, upper }: { lower: number; upper: number }): { center: number; width: number } {
  return { center: (lower + upper) / 2 + 0.5, width: upper - lower + 1 }
}
