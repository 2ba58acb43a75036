import { useState } from 'react'
import { type DeadLetter, discard, replay, type SystemState } from '../archive/operations'

interface Props {
  letters: SystemState['dead_letters']
  changed(): Promise<void>
}

/** What becomes of dead letters. */
interface Deeds {
  putBack(names: string[]): void
  giveUp(names: string[]): void
}

/** What no service could handle, with its reason; put back after what failed was mended, or given up. */
export function DeadLetters({ letters, changed }: Props) {
  const [said, say] = useState('')
  const tell = (done: Promise<string>) => {
    say('Working…')
    done
      .then(say)
      .catch((error: Error) => say(`Nothing was done: ${error.message}`))
      .finally(() => void changed())
  }
  const deeds: Deeds = {
    putBack: (names) => tell(replay(names).then(({ replayed }) => `${replayed} put back.`)),
    giveUp: (names) => tell(discard(names).then(({ discarded }) => `${discarded} given up.`)),
  }
  return (
    <section aria-labelledby="dead-letters" className="wide">
      <h2 id="dead-letters">Dead letters</h2>
      {letters === null && <p role="alert">The log does not answer.</p>}
      {letters?.total === 0 && <p>None: everything that arrived was handled.</p>}
      {letters && letters.total > 0 && (
        <>
          <p>
            {byService(letters.shown)}; {letters.total.toLocaleString('en')} in all{' '}
            <button onClick={() => deeds.putBack(letters.shown.map(({ name }) => name))}>Put back those shown</button>
          </p>
          <Table letters={letters.shown} deeds={deeds} />
        </>
      )}
      <p role="status">{said}</p>
    </section>
  )
}

function Table({ letters, deeds: { putBack, giveUp } }: { letters: DeadLetter[]; deeds: Deeds }) {
  return (
    <table>
      <thead>
        <tr>
          {['Service', 'Topic', 'Study', 'Error', 'Reason', 'Attempts', 'What now'].map((heading) => (
            <th scope="col" key={heading}>
              {heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {letters.map((letter) => (
          <tr key={letter.name}>
            <td>{letter.service}</td>
            <td>{letter['original-topic']}</td>
            <td>{letter.study}</td>
            <td>{letter['error-type']}</td>
            <td>{letter['error-text']}</td>
            <td>{letter.attempts}</td>
            <td>
              <button aria-label={`Put back ${letter.name}`} onClick={() => putBack([letter.name])}>
                Put back
              </button>{' '}
              <GiveUp name={letter.name} giveUp={() => giveUp([letter.name])} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Asks once more: what is given up nobody is reminded of again. */
function GiveUp({ name, giveUp }: { name: string; giveUp(): void }) {
  const [isSure, setSure] = useState(false)
  return (
    <button aria-label={isSure ? `Really give up ${name}` : `Give up ${name}`} onClick={isSure ? giveUp : () => setSure(true)}>
      {isSure ? 'Really give up' : 'Give up'}
    </button>
  )
}

/** How many dead letters each service has. */
function byService(letters: DeadLetter[]): string {
  const counts = new Map<string, number>()
  for (const { service } of letters) counts.set(service, (counts.get(service) ?? 0) + 1)
  return [...counts].map(([service, count]) => `${service}: ${count.toLocaleString('en')}`).join(', ')
}
