import { askJson, url } from './http'

export type Dictionary = Readonly<Record<string, string>>

let asked: Promise<Dictionary> | undefined

/** Keywords of the Standard by tag, asked for once. */
export function dictionary(): Promise<Dictionary> {
  asked ??= askJson<Dictionary>(url('dictionary'), {}).catch(() => {
    asked = undefined // the next one may have more luck; tags can be read without
    return {}
  })
  return asked
}

/** The keyword of a tag (PS3.6), or that it is private. */
export function keywordOf(tag: string, known: Dictionary): string {
  return parseInt(tag.slice(3, 4), 16) % 2 === 1 ? 'private' : (known[tag] ?? '')
}
