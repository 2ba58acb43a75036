import { normalOf, positionAlong } from './images/sorting'
import type { DisplaySet } from './images/displaySets'

/** Scrolling of several stacks together. Pure. */

/** The places of a stack's images along its normal, in mm; undefined unless each has one. */
export function placesOf(set: DisplaySet): number[] | undefined {
  const normal = set.frames[0] && normalOf(set.frames[0].dataset)
  if (!normal || set.frames.some((frame) => frame.number > 1)) return undefined
  const places = set.frames.map((frame) => positionAlong(normal, frame.dataset))
  return places.every((place): place is number => place !== undefined) ? places : undefined
}

/** How far `other` stood from `leader` when the two were linked; in mm, or in parts of the whole if either has no place. */
export function offsetBetween(leader: DisplaySet, leaderIndex: number, other: DisplaySet, otherIndex: number): number {
  const [from, to] = commonScale(leader, other)
  return (to[otherIndex] ?? 0) - (from[leaderIndex] ?? 0)
}

/** The index in `other` that belongs to an index in `leader`, `offset` away. */
export function linkedIndex(leader: DisplaySet, leaderIndex: number, other: DisplaySet, offset: number): number {
  const [from, to] = commonScale(leader, other)
  const wanted = (from[leaderIndex] ?? 0) + offset
  let best = 0
  to.forEach((place, index) => {
    if (Math.abs(place - wanted) < Math.abs((to[best] ?? Infinity) - wanted)) best = index
  })
  return best
}

function commonScale(leader: DisplaySet, other: DisplaySet): [number[], number[]] {
  const [from, to] = [placesOf(leader), placesOf(other)]
  return from && to ? [from, to] : [parts(leader), parts(other)]
}

function parts({ frames }: DisplaySet): number[] {
  return frames.map((_, index) => index / Math.max(1, frames.length - 1))
}
