import { useCallback, useEffect, useReducer } from 'react'
import { FIRST_TOOL } from './cornerstone/tools'
import { hang, type Layout } from './hanging'
import type { DisplaySet } from './images/displaySets'

export type PanelName = 'enhance' | 'measurements' | 'tags'

/** What is on screen. */
export interface ViewerState {
  layout: Layout
  /** The display set of each viewport, by its id. */
  cells: (string | undefined)[]
  active: number
  tool: string
  panel: PanelName | undefined
  isLinked: boolean
  hasReferenceLines: boolean
  /** The display set that is shown in three planes. */
  volume: string | undefined
  isHung: boolean
}

type Action =
  | { do: 'hang'; layout: Layout; cells: (string | undefined)[] }
  | { do: 'lay out'; layout: Layout }
  | { do: 'show'; set: string; cell?: number }
  | { do: 'set'; part: Partial<ViewerState> }

const BEGINNING: ViewerState = {
  ...{ layout: { rows: 1, columns: 1 }, cells: [undefined], active: 0, tool: FIRST_TOOL, panel: undefined },
  ...{ isLinked: false, hasReferenceLines: false, volume: undefined, isHung: false },
}

function reduce(state: ViewerState, action: Action): ViewerState {
  switch (action.do) {
    case 'hang':
      return { ...state, layout: action.layout, cells: action.cells, isHung: true }
    case 'lay out': {
      const number = action.layout.rows * action.layout.columns
      const cells = Array.from({ length: number }, (_, index) => state.cells[index])
      return { ...state, layout: action.layout, cells, active: Math.min(state.active, number - 1) }
    }
    case 'show': {
      const cell = action.cell ?? state.active
      return { ...state, active: cell, cells: state.cells.map((set, index) => (index === cell ? action.set : set)) }
    }
    case 'set':
      return { ...state, ...action.part }
  }
}

/** The state of the viewer, which hangs the images by itself as soon as they are known. */
export function useViewer(sets: DisplaySet[], compared: DisplaySet[], isReady: boolean) {
  const [state, dispatch] = useReducer(reduce, BEGINNING)
  const first = sets.find((set) => set.kind === 'stack')
  useEffect(() => {
    // The first series goes on screen at once; where the others hang is decided when all are known.
    if (state.isHung || (!isReady && !first)) return
    if (isReady) dispatch({ do: 'hang', ...hang(sets, compared) })
    else if (state.cells[0] === undefined && first) dispatch({ do: 'show', set: first.id, cell: 0 })
  }, [sets, compared, isReady, first, state.isHung, state.cells])
  const set = useCallback((part: Partial<ViewerState>) => dispatch({ do: 'set', part }), [])
  const layOut = useCallback((layout: Layout) => dispatch({ do: 'lay out', layout }), [])
  const show = useCallback((id: string, cell?: number) => dispatch({ do: 'show', set: id, cell }), [])
  return { state, set, layOut, show }
}
