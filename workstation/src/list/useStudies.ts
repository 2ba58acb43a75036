import { useCallback, useEffect, useRef, useState } from 'react'
import { listen } from '../archive/feed'
import { findStudies, type Search, type Study } from '../archive/studyList'
import { PAGE_SIZE, pagesOf, type Rows } from './pages'

const DEBOUNCE_MS = 20
const REFRESH_MS = 300

export interface Studies {
  total: number | undefined
  /** The text that what there is was searched by. */
  text: string
  /** Whether what there is answers the search, and not the one before it. */
  isCurrent: boolean
  at(row: number): Study | undefined
  /** The row of a study, as far as it is loaded. */
  find(uid: string): number | undefined
  show(rows: Rows): void
  error: Error | undefined
  connected: boolean
}

interface Found {
  key: string
  text: string
  total: number | undefined
  pages: ReadonlyMap<number, Study[]>
}

/** A search that is under way, and the pages that were asked for. */
interface Asking {
  key: string
  aborter: AbortController
  pages: Set<number>
}

/** The studies of a search, fetched page by page as they are shown, and again whenever something arrives. */
export function useStudies(search: Search): Studies {
  const key = JSON.stringify(search)
  const [found, setFound] = useState<Found>({ key: '', text: '', total: undefined, pages: new Map() })
  const [error, setError] = useState<Error>()
  const asking = useRef<Asking>({ key, aborter: new AbortController(), pages: new Set() })
  const shown = useRef<number[]>([0])

  const load = useCallback((numbers: number[], isFresh = false) => {
    for (const number of numbers) {
      if (isFresh || !asking.current.pages.has(number)) void loadPage(asking.current, number, setFound, setError)
    }
  }, [])

  useEffect(() => {
    if (asking.current.key === key) return undefined // the list itself asks for what it shows first
    const timer = setTimeout(() => {
      asking.current.aborter.abort()
      asking.current = { key, aborter: new AbortController(), pages: new Set() }
      shown.current = [0]
      load([0])
    }, DEBOUNCE_MS)
    return () => clearTimeout(timer)
  }, [key, load])

  const refresh = useCallback(() => {
    asking.current.pages = new Set(shown.current)
    setFound((before) => ({ ...before, pages: only(before.pages, shown.current) }))
    load(shown.current, true)
  }, [load])

  const show = useCallback(
    (rows: Rows) => {
      shown.current = pagesOf(rows)
      load(shown.current)
    },
    [load],
  )
  const { pages, total } = found
  const at = useCallback((row: number) => pages.get(Math.floor(row / PAGE_SIZE))?.[row % PAGE_SIZE], [pages])
  const find = useCallback((uid: string) => rowIn(pages, uid), [pages])
  return { total, text: found.text, isCurrent: found.key === key, at, find, show, error, connected: useArrivals(refresh) }
}

function rowIn(pages: ReadonlyMap<number, Study[]>, uid: string): number | undefined {
  for (const [number, studies] of pages) {
    const index = studies.findIndex((study) => study.StudyInstanceUID === uid)
    if (index >= 0) return number * PAGE_SIZE + index
  }
  return undefined
}

async function loadPage(
  { key, aborter: { signal }, pages: asked }: Asking,
  number: number,
  setFound: (change: (before: Found) => Found) => void,
  setError: (error: Error | undefined) => void,
): Promise<void> {
  asked.add(number)
  try {
    const search = JSON.parse(key) as Search
    const page = await findStudies(search, number * PAGE_SIZE, PAGE_SIZE, signal)
    if (signal.aborted) return
    setError(undefined)
    // What was found before stays on screen until there is something else to show.
    setFound((before) => ({
      key,
      text: search.text ?? '',
      total: page.total,
      pages: new Map(before.key === key ? before.pages : []).set(number, page.studies),
    }))
  } catch (reason) {
    if (signal.aborted) return
    asked.delete(number)
    setError(reason as Error)
  }
}

function only(pages: ReadonlyMap<number, Study[]>, numbers: number[]): ReadonlyMap<number, Study[]> {
  return new Map([...pages].filter(([number]) => numbers.includes(number)))
}

/** Calls `refresh` soon after something arrived, or the page is looked at again; tells whether the archive is heard. */
function useArrivals(refresh: () => void): boolean {
  const [connected, setConnected] = useState(true)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        refresh()
      }, REFRESH_MS)
    }
    const stop = listen({ study: soon, everything: soon, connected: setConnected })
    addEventListener('focus', soon)
    return () => {
      clearTimeout(timer)
      removeEventListener('focus', soon)
      stop()
    }
  }, [refresh])
  return connected
}
