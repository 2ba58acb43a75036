import { useEffect, useRef } from 'react'
import type { StackView } from './cornerstone/stackView'
import { onChange } from './useStackState'
import { linkedIndex, offsetBetween } from './linking'
import type { Views } from './useViews'

/** Scrolls all stacks with `leader`, the one that is looked at, as far apart as they were when they were linked. */
export function useLinking(isLinked: boolean, views: Views, leader: StackView | undefined): void {
  const start = useRef(new Map<StackView, number>())
  useEffect(() => {
    start.current = new Map(isLinked ? views.all().map((view) => [view, view.state.index]) : [])
  }, [isLinked, views])
  useEffect(() => {
    if (!isLinked || !leader) return undefined
    return onChange(leader, ({ index }) => index, () => {
      for (const other of views.all()) if (other !== leader) follow(leader, other, start.current)
    })
  }, [isLinked, views, leader])
}

function follow(leader: StackView, other: StackView, start: Map<StackView, number>): void {
  const offset = offsetBetween(leader.set, start.get(leader) ?? 0, other.set, start.get(other) ?? 0)
  other.scrollTo(linkedIndex(leader.set, leader.state.index, other.set, offset))
}
