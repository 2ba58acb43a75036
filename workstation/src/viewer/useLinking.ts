import { useEffect } from 'react'
import type { StackView } from './cornerstone/stackView'
import { linkedIndex, offsetBetween } from './linking'
import type { Views } from './useViews'

/** Scrolls all stacks with the one that is scrolled, as far apart as they were when they were linked. */
export function useLinking(isLinked: boolean, views: Views): void {
  useEffect(() => {
    if (!isLinked) return undefined
    const all = views.all()
    const start = new Map(all.map((view) => [view, view.state.index]))
    const expected = new Map<StackView, number>()
    const follow = (leader: StackView) => {
      const { index } = leader.state
      if (expected.get(leader) === index) return // it followed another one
      expected.set(leader, index)
      for (const other of all) {
        if (other === leader) continue
        const offset = offsetBetween(leader.set, start.get(leader) ?? 0, other.set, start.get(other) ?? 0)
        const target = linkedIndex(leader.set, index, other.set, offset)
        expected.set(other, target)
        other.scrollTo(target)
      }
    }
    for (const view of all) expected.set(view, view.state.index)
    const stops = all.map((view) => view.subscribe(() => follow(view)))
    return () => stops.forEach((stop) => stop())
  }, [isLinked, views])
}
