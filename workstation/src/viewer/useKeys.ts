import { useEffect } from 'react'
import { leaveDrawing } from './cornerstone/drawing'
import type { StackView } from './cornerstone/stackView'
import { HAND_TOOLS, MEASURING_TOOLS } from './cornerstone/tools'
import type { ViewerState } from './useViewer'

const TOOLS = new Map([...HAND_TOOLS, ...MEASURING_TOOLS].map(({ key, name }) => [key as string, name as string]))

/** The keyboard: arrows scroll, letters take tools, Space plays, Escape goes back. */
export function useKeys(state: ViewerState, set: (part: Partial<ViewerState>) => void, view: StackView | undefined): void {
  useEffect(() => {
    const actions: Record<string, () => void> = {
      ArrowDown: () => view?.scroll(1),
      ArrowUp: () => view?.scroll(-1),
      PageDown: () => view?.scroll(10),
      PageUp: () => view?.scroll(-10),
      Home: () => view?.scrollTo(0),
      End: () => view?.scrollTo(Infinity),
      ' ': () => view?.play(view.state.isPlaying ? undefined : framesPerSecond(view)),
      i: () => view?.invert(),
      h: () => view?.flip('horizontal'),
      v: () => view?.flip('vertical'),
      o: () => view?.rotate(90),
      '0': () => view?.reset(),
      Tab: () => set({ active: (state.active + 1) % state.cells.length }),
      Escape: () => {
        if (leaveDrawing()) return
        if (state.volume) set({ volume: undefined })
        else if (state.panel) set({ panel: undefined })
        else leave()
      },
    }
    const onKeyDown = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, select, textarea, dialog')) return
      if (target.closest('button, a') && ['Tab', ' ', 'Enter'].includes(event.key)) return
      if (event.key === 'Tab' && !target.closest('.cells')) return
      const tool = TOOLS.get(event.key)
      const act = tool ? () => set({ tool }) : actions[event.key]
      if (!act) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [state, set, view])
}

function leave(): void {
  location.hash = '#/'
}

/** How fast a stack is to be played: as it was recorded (PS3.3 C.7.6.5), else 15 pictures a second. */
export function framesPerSecond(view: StackView): number {
  const dataset = view.set.dataset
  const value = (tag: string) => Number(dataset[tag]?.Value?.[0])
  const rates = [value('00082144'), value('00180040'), 1000 / value('00181063')]
  return Math.min(60, Math.round(rates.find((rate) => Number.isFinite(rate) && rate > 0) ?? 15))
}
