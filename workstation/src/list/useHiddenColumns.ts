import { useCallback, useState } from 'react'
import { keep, kept } from '../shell/preferences'

const NAME = 'hidden-columns'

/** The columns that this browser's user does not want, and a function that shows or hides one. */
export function useHiddenColumns(): [ReadonlySet<string>, (name: string) => void] {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(() => new Set(kept<string[]>(NAME, ['referring'])))
  const toggle = useCallback((name: string) => {
    setHidden((before) => {
      const after = new Set(before)
      if (!after.delete(name)) after.add(name)
      keep(NAME, [...after])
      return after
    })
  }, [])
  return [hidden, toggle]
}
