import { ask, askJson, url } from './http'

/** How the system is, as `/operations/state` tells it; what nobody knows is null. */
export interface SystemState {
  /** Minutes since 1970, and how many instances arrived in each. */
  arrivals: [number, number][]
  lags: { service: string; topic: string; lag: number }[] | null
  dead_letters: { total: number; shown: DeadLetter[] } | null
  storage: {
    counts: { studies: number; instances: number } | null
    disk: { total_bytes: number; free_bytes: number } | null
  }
  ae_titles: KnownEntity[] | null
  own: { ae_title: string; port: number }
}

/** An application entity that may call us; `is_called`: we know where to call it. */
export interface KnownEntity {
  ae_title: string
  hosts: string[]
  urgent: boolean
  is_called: boolean
}

export interface DeadLetter {
  name: string
  service: string
  study: string
  'error-type': string
  'error-text': string
  attempts: string
  'original-topic': string
}

export interface Echo {
  status: number | null
  reason: string
  duration_ms: number
}

export async function systemState(signal?: AbortSignal): Promise<SystemState> {
  return (await (await ask(url('operations/state'), { signal })).json()) as SystemState
}

/** Puts dead letters back into the topics that they came from. */
export function replay(names: string[]): Promise<{ replayed: number }> {
  return post('operations/dead-letters/replay', { names }, { replayed: 0 })
}

/** Gives dead letters up. */
export function discard(names: string[]): Promise<{ discarded: number }> {
  return post('operations/dead-letters/discard', { names }, { discarded: 0 })
}

/** Calls an application entity that the archive has an address of by C-ECHO; its own DIMSE door without a title. */
export function echo(title?: string): Promise<Echo> {
  return post('operations/echo', { ae_title: title }, { status: null, reason: 'no answer', duration_ms: 0 })
}

function post<T>(path: string, body: object, empty: T): Promise<T> {
  const headers = { 'Content-Type': 'application/json' }
  return askJson(url(path), empty, { method: 'POST', headers, body: JSON.stringify(body) })
}
