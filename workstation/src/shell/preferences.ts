/** What the user of this browser prefers. No patient data is kept here. */

const PREFIX = 'radstream.'

/** The value that was kept under `name`, or `otherwise`. */
export function kept<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(PREFIX + name)
    return text === null ? otherwise : (JSON.parse(text) as T)
  } catch {
    return otherwise // nothing may be kept, or somebody else wrote it
  }
}

/** Keeps `value` under `name`, where that is allowed. */
export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value))
  } catch {
    return // private windows keep nothing, full ones no more
  }
}
