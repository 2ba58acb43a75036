import { useCallback, useSyncExternalStore } from 'react'
import type { StackState, StackView } from './cornerstone/stackView'

/** The state of a stack, anew whenever it changes. */
export function useStackState(view: StackView | undefined): StackState | undefined {
  const subscribe = useCallback((changed: () => void) => view?.subscribe(changed) ?? (() => undefined), [view])
  return useSyncExternalStore(subscribe, () => view?.state)
}

/** Calls `changed` whenever what `of` takes from the state of a stack is another value; returns how to stop that. */
export function onChange(view: StackView, of: (state: StackState) => number, changed: () => void): () => void {
  let seen = of(view.state)
  return view.subscribe(() => {
    const now = of(view.state)
    if (now === seen) return
    seen = now
    changed()
  })
}
