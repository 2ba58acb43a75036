import { keep, kept } from '../shell/preferences'

/** Which studies were opened in this browser, with how many instances. */

const NAME = 'seen'
const MOST = 5000

type Seen = Readonly<Record<string, number>>

let read: Seen | undefined

/** Read once: each row that is drawn asks. */
function seen(): Seen {
  if (read === undefined && 'addEventListener' in globalThis) addEventListener('storage', () => (read = undefined), { once: true })
  read ??= kept<Seen>(NAME, {})
  return read
}

/** Tells whether a study has instances that were not there when it was opened. */
export function isUnread(uid: string, instances: number): boolean {
  return (seen()[uid] ?? 0) < instances
}

/** Remembers that a study was opened with so many instances; the longest known ones are forgotten in time. */
export function markSeen(uid: string, instances: number): void {
  const { [uid]: _, ...others } = kept<Seen>(NAME, {})
  read = Object.fromEntries(Object.entries({ ...others, [uid]: instances }).slice(-MOST))
  keep(NAME, read)
}
