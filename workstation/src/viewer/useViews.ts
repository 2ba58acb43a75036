import { useCallback, useMemo, useRef, useState } from 'react'
import type { StackView } from './cornerstone/stackView'

/** The stacks on screen, by the number of their viewport. */
export interface Views {
  at(cell: number): StackView | undefined
  all(): StackView[]
  put(cell: number, view: StackView | undefined): void
  /** Changes whenever a stack comes or goes. */
  version: number
}

export function useViews(): Views {
  const views = useRef(new Map<number, StackView>())
  const [version, setVersion] = useState(0)
  const put = useCallback((cell: number, view: StackView | undefined) => {
    if (view) views.current.set(cell, view)
    else views.current.delete(cell)
    setVersion((before) => before + 1)
  }, [])
  return useMemo(
    () => ({ at: (cell) => views.current.get(cell), all: () => [...views.current.values()], put, version }),
    [put, version],
  )
}
