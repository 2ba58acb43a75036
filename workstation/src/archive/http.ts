/** Asking the archive that served this page. */

const ROOT = new URL('.', document.baseURI.split(/[?#]/)[0])

/** What the archive answered if it was not what was asked for. */
export class ArchiveError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
    this.name = 'ArchiveError'
  }
}

/** The URL of a path of the archive. */
export function url(path: string, query: Record<string, string | undefined> = {}): string {
  const address = new URL(path, ROOT)
  for (const [name, value] of Object.entries(query)) if (value) address.searchParams.set(name, value)
  return address.href
}

/** Asks, and fails with an `ArchiveError` that says why in a sentence. */
export async function ask(address: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response
  try {
    answer = await fetch(address, options)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ArchiveError(0, 'The archive cannot be reached.')
  }
  if (answer.ok) return answer
  throw new ArchiveError(answer.status, await reason(answer))
}

/** Asks for JSON; an answer without a body is `empty`. */
export async function askJson<T>(address: string, empty: T, options: RequestInit = {}): Promise<T> {
  const headers = { Accept: 'application/dicom+json, application/json', ...options.headers }
  const answer = await ask(address, { ...options, headers })
  return answer.status === 204 ? empty : ((await answer.json()) as T)
}

async function reason(answer: Response): Promise<string> {
  const said = (await answer.text().catch(() => '')).slice(0, 300)
  try {
    const problem = JSON.parse(said) as { detail?: string; title?: string }
    return problem.detail ?? problem.title ?? `The archive answered ${answer.status}.`
  } catch {
    return said.startsWith('<') || !said ? `The archive answered ${answer.status}.` : said
  }
}
