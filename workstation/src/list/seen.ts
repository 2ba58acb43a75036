import { keep, kept } from '../shell/preferences'

/** Which studies were opened in this browser, with how many instances. */

const NAME = 'seen'
const MOST = 5000

type Seen = Record<string, number>

/** Tells whether a study has instances that were not there when it was opened. */
export function isUnread(uid: string, instances: number): boolean {
  return (kept<Seen>(NAME, {})[uid] ?? 0) < instances
}

/** Remembers that a study was opened with so many instances; the longest known ones are forgotten in time. */
export function markSeen(uid: string, instances: number): void {
  const { [uid]: _, ...others } = kept<Seen>(NAME, {})
  keep(NAME, Object.fromEntries(Object.entries({ ...others, [uid]: instances }).slice(-MOST)))
}
