import { useEffect } from 'react'
import type { StackView } from './cornerstone/stackView'
import { showReferenceLines } from './cornerstone/tools'

/** Shows in all stacks where the image of `view` cuts theirs. */
export function useReferenceLines(are: boolean, view: StackView | undefined, version: number): void {
  useEffect(() => {
    if (!are || !view) return undefined
    showReferenceLines(view.id)
    return () => showReferenceLines(undefined)
  }, [are, view, version])
}
