import { useEffect, useState } from 'react'
import type { Dataset } from '../archive/dataset'
import { number, text } from '../archive/dataset'
import { findSeries, findStudy, retrieveMetadata } from '../archive/studies'
import { type DisplaySet, displaySets } from './images/displaySets'

const AT_ONCE = 3

export interface LoadedStudy {
  study: Dataset | undefined
  sets: DisplaySet[]
  /** Series whose attributes could not be had, with the reason. */
  failures: { series: string; reason: string }[]
  isComplete: boolean
}

const NOTHING: LoadedStudy = { study: undefined, sets: [], failures: [], isComplete: false }

/** A study's display sets, series by series as their attributes come; with `version` they are asked for again. */
export function useStudy(uid: string | undefined, version: number): LoadedStudy {
  const [loaded, setLoaded] = useState<LoadedStudy>(NOTHING)
  useEffect(() => {
    if (uid === undefined) return undefined
    const aborter = new AbortController()
    const { signal } = aborter
    const change = (next: (before: LoadedStudy) => LoadedStudy) => !signal.aborted && setLoaded(next)
    if (version === 0) setLoaded(NOTHING)
    findStudy(uid, signal).then(
      (study) => change((before) => ({ ...before, study })),
      () => undefined, // overlays show what the instances say
    )
    load(uid, signal, change)
      .catch((error: Error) => change((before) => ({ ...before, failures: [{ series: '', reason: error.message }] })))
      .finally(() => change((before) => ({ ...before, isComplete: true })))
    return () => aborter.abort()
  }, [uid, version])
  return loaded
}

async function load(
  uid: string,
  signal: AbortSignal,
  change: (next: (before: LoadedStudy) => LoadedStudy) => void,
): Promise<void> {
  const waiting = (await findSeries(uid, signal)).sort(byNumber)
  const work = async () => {
    for (let series = waiting.shift(); series; series = waiting.shift()) {
      const name = text(series, '0020000E')
      try {
        const found = displaySets(await retrieveMetadata(uid, name, signal))
        change((before) => ({ ...before, sets: merged(before.sets, found) }))
      } catch (error) {
        if (signal.aborted) return
        const failure = { series: text(series, '0008103E') || name, reason: (error as Error).message }
        change((before) => ({ ...before, failures: [...before.failures, failure] }))
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

/** What is known and has not changed stays the same object, so that what is on screen is not opened anew. */
function merged(sets: DisplaySet[], found: DisplaySet[]): DisplaySet[] {
  const known = new Map(sets.map((set) => [set.id, set]))
  for (const set of found) if (known.get(set.id)?.frames.length !== set.frames.length) known.set(set.id, set)
  return [...known.values()].sort((a, b) => a.seriesNumber - b.seriesNumber)
}

function byNumber(a: Dataset, b: Dataset): number {
  return (number(a, '00200011') ?? 0) - (number(b, '00200011') ?? 0)
}
