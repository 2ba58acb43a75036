const WIDTH = 600
const HEIGHT = 120

/** Instances that arrived in each of the last minutes, as bars. */
export function Arrivals({ arrivals }: { arrivals: [number, number][] }) {
  const most = Math.max(1, ...arrivals.map(([, count]) => count))
  const [, latest] = arrivals.at(-1) ?? [0, 0]
  const total = arrivals.reduce((sum, [, count]) => sum + count, 0)
  const last = arrivals.at(-1)?.[0] ?? 0
  return (
    <section aria-labelledby="arrivals">
      <h2 id="arrivals">Arrivals</h2>
      <p>
        <strong>{latest.toLocaleString('en')}</strong> instances in this minute, {total.toLocaleString('en')} in the last{' '}
        {arrivals.length} {arrivals.length === 1 ? 'minute' : 'minutes'} that were watched
      </p>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Instances a minute, ${most} at most`}>
        {arrivals.map(([minute, count]) => {
          const height = (count / most) * (HEIGHT - 4)
          const x = WIDTH - (last - minute + 1) * 10
          return <rect key={minute} x={x} y={HEIGHT - Math.max(1, height)} width={8} height={Math.max(1, height)} />
        })}
      </svg>
    </section>
  )
}
