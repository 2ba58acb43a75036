import { useSyncExternalStore } from 'react'

/** Where the page is; the part of its address behind the hash, so that any server can serve it below any path. */
export type Route =
  | { page: 'list' }
  | { page: 'operations' }
  | { page: 'viewer'; studies: string[] }

const UID = /^(?=.{1,64}$)\d+(\.\d+)*$/

/** Reads an address; what means nothing is the list. */
export function parseRoute(hash: string): Route {
  const [page, argument = ''] = hash.replace(/^#\/?/, '').split('/')
  if (page === 'operations') return { page }
  const studies = argument.split(',').filter((uid) => UID.test(uid))
  return page === 'view' && studies.length > 0 ? { page: 'viewer', studies: studies.slice(0, 2) } : { page: 'list' }
}

/** The address of studies in the viewer; the second one is compared with the first. */
export function viewerAddress(...studies: string[]): string {
  return `#/view/${studies.join(',')}`
}

function subscribe(changed: () => void): () => void {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}

/** The present route. */
export function useHash(): string {
  return useSyncExternalStore(subscribe, () => location.hash)
}
