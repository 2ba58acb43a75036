import { useState } from 'react'
import { echo, type Echo, type KnownEntity, type SystemState } from '../archive/operations'

interface Props {
  own: SystemState['own']
  titles: SystemState['ae_titles']
}

/** Who may call by DIMSE, and who answers: our own door, and those whose address is known. */
export function Doors({ own, titles }: Props) {
  return (
    <section aria-labelledby="doors">
      <h2 id="doors">DIMSE</h2>
      <p>
        Ours: <strong>{own.ae_title}</strong>, port {own.port}
      </p>
      <EchoTest name="Test by C-ECHO" />
      {titles === null && <p role="alert">The table of AE titles cannot be read.</p>}
      {titles?.length === 0 && <p>No AE titles are named: whoever can reach the port may call.</p>}
      <ul>
        {titles?.map((entity) => (
          <Entity key={entity.ae_title} entity={entity} />
        ))}
      </ul>
    </section>
  )
}

function Entity({ entity: { ae_title: title, hosts, urgent, is_called: isCalled } }: { entity: KnownEntity }) {
  return (
    <li>
      <strong>{title}</strong> {hosts.length > 0 ? `from ${hosts.join(', ')}` : 'from anywhere'}
      {urgent && <span className="stat-flag"> urgent</span>}
      {isCalled && <EchoTest name={`Test ${title} by C-ECHO`} title={title} />}
    </li>
  )
}

function EchoTest({ name, title }: { name: string; title?: string }) {
  const [answer, setAnswer] = useState<Echo | 'waiting'>()
  const call = () => {
    setAnswer('waiting')
    echo(title).then(setAnswer, (error: Error) => setAnswer({ status: null, reason: error.message, duration_ms: 0 }))
  }
  return (
    <div>
      <button onClick={call} disabled={answer === 'waiting'}>
        {name}
      </button>{' '}
      <span role="status">{describe(answer)}</span>
    </div>
  )
}

function describe(answer: Echo | 'waiting' | undefined): string {
  if (answer === undefined) return ''
  if (answer === 'waiting') return 'Calling…'
  if (answer.status === null) return `No answer: ${answer.reason}`
  const status = `0x${answer.status.toString(16).padStart(4, '0').toUpperCase()}`
  return `Answered ${status} after ${answer.duration_ms} ms.`
}
