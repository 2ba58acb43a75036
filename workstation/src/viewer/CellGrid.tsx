import type { DisplaySet } from './images/displaySets'
import { Cell } from './cells/Cell'
import { StudyPreview } from './cells/StudyPreview'
import type { ViewerState } from './useViewer'
import type { Views } from './useViews'

interface Props {
  state: ViewerState
  set(part: Partial<ViewerState>): void
  show(set: string, cell: number): void
  sets: DisplaySet[]
  views: Views
  study: string
  isReady: boolean
}

/** The viewports. A series is dropped on the one that is to show it. */
export function CellGrid({ state, set, show, sets, views, study, isReady }: Props) {
  const { rows, columns } = state.layout
  return (
    <main
      className="cells"
      style={{ gridTemplate: `repeat(${rows}, minmax(0, 1fr)) / repeat(${columns}, minmax(0, 1fr))` }}
    >
      {state.cells.map((id, cell) => (
        <section
          key={cell}
          aria-label={`Viewport ${cell + 1}`}
          tabIndex={0}
          className={cell === state.active && state.cells.length > 1 ? 'cell active' : 'cell'}
          onPointerDownCapture={() => set({ active: cell })}
          onFocus={() => set({ active: cell })}
          onWheelCapture={() => set({ active: cell })}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => show(event.dataTransfer.getData('text/plain'), cell)}
        >
          {id !== undefined && <Cell cell={cell} set={sets.find((each) => each.id === id)} put={views.put} />}
          {id === undefined && cell === 0 && !isReady && <StudyPreview study={study} />}
          {id === undefined && isReady && <p className="waiting">{sets.length > 0 ? 'Drop a series here' : 'Nothing to show'}</p>}
        </section>
      ))}
    </main>
  )
}
