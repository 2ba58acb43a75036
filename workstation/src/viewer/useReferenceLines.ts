import { useEffect } from 'react'
import type { StackView } from './cornerstone/stackView'
import { showReferenceLines } from './cornerstone/tools'
import { onChange } from './useStackState'

/** Shows in all stacks where the image of `view` cuts theirs. */
export function useReferenceLines(are: boolean, view: StackView | undefined, version: number): void {
  useEffect(() => {
    if (!are || !view) return undefined
    showReferenceLines(view.id)
    // Drawn without WebGL, a stack does not tell its lines that it shows another image.
    const stop = onChange(view, ({ index, isWaiting }) => (isWaiting ? -1 : index), () => showReferenceLines(view.id))
    return () => {
      stop()
      showReferenceLines(undefined)
    }
  }, [are, view, version])
}
