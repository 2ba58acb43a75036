import { useCallback, useSyncExternalStore } from 'react'
import type { StackState, StackView } from './cornerstone/stackView'

/** The state of a stack, anew whenever it changes. */
export function useStackState(view: StackView | undefined): StackState | undefined {
  const subscribe = useCallback((changed: () => void) => view?.subscribe(changed) ?? (() => undefined), [view])
  return useSyncExternalStore(subscribe, () => view?.state)
}
