import { url } from './http'

const AGAIN_MS = 5000

/** Told while the page is open: which study changed, that all may have, and whether the archive is heard. */
export interface FeedListener {
  study(uid: string): void
  everything(): void
  connected(is: boolean): void
}

/**
 * Listens to what arrives until the returned function is called.
 *
 * A browser connects again by itself and says what it heard last, so that nothing is missed; only an answer that is no
 * stream (the archive restarts, or too many listen) it takes for the end. Then it is asked anew here.
 */
export function listen(listener: FeedListener): () => void {
  let source: EventSource
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = ''

  const heard = (event: MessageEvent<string>) => {
    last = event.lastEventId || last
    listener.study((JSON.parse(event.data) as { uid: string }).uid)
  }
  const failed = () => {
    listener.connected(false)
    if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, AGAIN_MS)
  }
  function connect() {
    source = new EventSource(url('feed', { since: last }))
    source.addEventListener('study', heard)
    source.addEventListener('everything', () => listener.everything())
    source.addEventListener('open', () => {
      listener.connected(true)
      if (timer !== undefined && !last) listener.everything() // nobody knows what was missed
      timer = undefined
    })
    source.addEventListener('error', failed)
  }
  connect()
  return () => {
    clearTimeout(timer)
    source.close()
  }
}
