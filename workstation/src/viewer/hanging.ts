import type { DisplaySet } from './images/displaySets'

/** How many viewports there are, and what each shows at first. Pure. */
export interface Layout {
  rows: number
  columns: number
}

export const LAYOUTS: Layout[] = [
  { rows: 1, columns: 1 },
  { rows: 1, columns: 2 },
  { rows: 1, columns: 3 },
  { rows: 2, columns: 1 },
  { rows: 2, columns: 2 },
  { rows: 2, columns: 3 },
  { rows: 3, columns: 3 },
]

export function labelOf({ rows, columns }: Layout): string {
  return `${rows}×${columns}`
}

const RADIOGRAPHS = new Set(['CR', 'DX', 'MG', 'RF', 'XA', 'IO', 'PX'])

/**
 * Chooses the layout for the first study, or for two that are compared.
 *
 * Of a section modality one stack is read at a time; MR is read with its sequences side by side, radiographs with
 * their views, four of a mammography.
 */
export function hang(sets: DisplaySet[], compared: DisplaySet[]): { layout: Layout; cells: (string | undefined)[] } {
  const own = shown(sets)
  if (compared.length > 0) {
    const first = own[0]
    return { layout: { rows: 1, columns: 2 }, cells: [first?.id, first && likest(first, shown(compared))?.id] }
  }
  const layout = layoutFor(own)
  return { layout, cells: Array.from({ length: layout.rows * layout.columns }, (_, index) => own[index]?.id) }
}

function shown(sets: DisplaySet[]): DisplaySet[] {
  const images = sets.filter((set) => set.kind === 'stack')
  return images.length > 0 ? images : sets
}

function layoutFor(sets: DisplaySet[]): Layout {
  const [modality, number] = [sets[0]?.modality ?? '', sets.length]
  if (modality !== 'MR' && !RADIOGRAPHS.has(modality)) return { rows: 1, columns: 1 }
  return number > 3 ? { rows: 2, columns: 2 } : { rows: 1, columns: Math.max(1, number) }
}

/** The one of `candidates` that is most like `set`: by modality, description, number of images. */
export function likest(set: DisplaySet, candidates: DisplaySet[]): DisplaySet | undefined {
  const score = (other: DisplaySet) =>
    (other.modality === set.modality ? 4 : 0) +
    (other.description.toLowerCase() === set.description.toLowerCase() ? 2 : 0) +
    Math.min(other.frames.length, set.frames.length) / Math.max(other.frames.length, set.frames.length, 1)
  return [...candidates].sort((a, b) => score(b) - score(a))[0]
}
