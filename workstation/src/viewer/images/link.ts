/** How fast the archive's answers come, and in which form frames are asked for accordingly. */

/** What is known of one answer: its bytes on the wire, and when the first and the last of them came, in ms. */
export interface Answer {
  transferSize: number
  responseStart: number
  responseEnd: number
}

/** Answers that are smaller come too quickly to tell anything. */
const TELLING_BYTES = 64_000
const REMEMBERED = 24

/**
 * Below it frames are asked for in HTJ2K: it takes 2.5 times fewer bytes, and has to be made and unpacked (see
 * docs/workstation.md for what was measured).
 */
const SLOW_MEGABITS_PER_S = 50

const UNCOMPRESSED = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'])
const AS_STORED = 'multipart/related; type=application/octet-stream; transfer-syntax=*'
const IN_HTJ2K = 'multipart/related; type=image/jphc; transfer-syntax=1.2.840.10008.1.2.4.201'

/** Megabits per second over all the time in which any of `answers` came; undefined if they tell nothing. Pure. */
export function megabitsPerS(answers: Answer[]): number | undefined {
  const telling = answers.filter(({ transferSize }) => transferSize >= TELLING_BYTES).sort((a, b) => a.responseStart - b.responseStart)
  let [bytes, ms, until] = [0, 0, -Infinity]
  for (const { transferSize, responseStart, responseEnd } of telling) {
    bytes += transferSize
    ms += Math.max(0, responseEnd - Math.max(responseStart, until))
    until = Math.max(until, responseEnd)
  }
  return ms > 0 ? (bytes * 8) / 1000 / ms : undefined
}

/** What is accepted of a frame: HTJ2K, which is lossless too, over a slow link for what is stored uncompressed. Pure. */
export function acceptFor(isUncompressed: boolean, speed: number | undefined): string {
  return isUncompressed && speed !== undefined && speed < SLOW_MEGABITS_PER_S ? `${IN_HTJ2K}, ${AS_STORED}; q=0.5` : AS_STORED
}

/** Tells by the Content-Type of a frame that was asked for as it is stored whether that is uncompressed. Pure. */
export function saysUncompressed(contentType: string | null): boolean {
  return UNCOMPRESSED.has(/transfer-syntax="?([\d.]+)/.exec(contentType ?? '')?.[1] ?? '')
}

/** The series that a frame's address lies in. Pure. */
export function seriesOf(address: string): string {
  return /\/series\/([\d.]+)/.exec(address)?.[1] ?? ''
}

/** How the loader asks for frames: series by series as they turn out to be stored, and as fast as answers come. */
export function frameRequests() {
  const speed = watchLink()
  const uncompressed = new Set<string>()
  return {
    beforeSend: (_request: XMLHttpRequest, imageId: string) => ({ Accept: acceptFor(uncompressed.has(seriesOf(imageId)), speed()) }),
    beforeProcessing: (answered: XMLHttpRequest) => {
      if (saysUncompressed(answered.getResponseHeader('Content-Type'))) uncompressed.add(seriesOf(answered.responseURL))
      return Promise.resolve(answered.response as ArrayBuffer)
    },
  }
}

/** Watches what comes; returns how to ask for the speed of late, in megabits per second. */
function watchLink(): () => number | undefined {
  const answers: Answer[] = []
  new PerformanceObserver((list) => {
    const told = list.getEntries() as PerformanceResourceTiming[]
    // Scripts are read only as fast as they are understood.
    answers.push(...told.filter(({ initiatorType, transferSize }) => initiatorType === 'xmlhttprequest' && transferSize >= TELLING_BYTES))
    answers.splice(0, answers.length - REMEMBERED)
  }).observe({ type: 'resource', buffered: true })
  return () => megabitsPerS(answers)
}
