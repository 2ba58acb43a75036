import { useState } from 'react'
import { echo, type Echo, type SystemState } from '../archive/operations'

interface Props {
  own: SystemState['own']
  titles: SystemState['ae_titles']
}

/** Who may call by DIMSE, and whether our own door answers. */
export function Doors({ own, titles }: Props) {
  const [answer, setAnswer] = useState<Echo | 'waiting'>()
  const call = () => {
    setAnswer('waiting')
    echo().then(setAnswer, (error: Error) => setAnswer({ status: null, reason: error.message, duration_ms: 0 }))
  }
  return (
    <section aria-labelledby="doors">
      <h2 id="doors">DIMSE</h2>
      <p>
        Ours: <strong>{own.ae_title}</strong>, port {own.port}{' '}
        <button onClick={call} disabled={answer === 'waiting'}>
          Test by C-ECHO
        </button>
      </p>
      <p role="status">{describe(answer)}</p>
      {titles === null && <p role="alert">The table of AE titles cannot be read.</p>}
      {titles?.length === 0 && <p>No AE titles are named: whoever can reach the port may call.</p>}
      <ul>
        {titles?.map(({ ae_title: title, hosts, urgent }) => (
          <li key={title}>
            <strong>{title}</strong> {hosts.length > 0 ? `from ${hosts.join(', ')}` : 'from anywhere'}
            {urgent && <span className="stat-flag"> urgent</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}

function describe(answer: Echo | 'waiting' | undefined): string {
  if (answer === undefined) return ''
  if (answer === 'waiting') return 'Calling…'
  if (answer.status === null) return `No answer: ${answer.reason}`
  const status = `0x${answer.status.toString(16).padStart(4, '0').toUpperCase()}`
  return `Answered ${status} after ${answer.duration_ms} ms.`
}
