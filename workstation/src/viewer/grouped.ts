/** Puts items with the same key together, in the order in which keys first come; browsers of 2023 lack Map.groupBy. */
export function grouped<T>(all: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of all) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
