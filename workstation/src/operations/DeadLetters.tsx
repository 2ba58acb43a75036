import { useState } from 'react'
import { type DeadLetter, replay, type SystemState } from '../archive/operations'

interface Props {
  letters: SystemState['dead_letters']
  changed(): Promise<void>
}

/** What no service could handle, with its reason; put back after what failed was mended. */
export function DeadLetters({ letters, changed }: Props) {
  const [said, say] = useState('')
  const putBack = (names: string[]) => {
    say('Putting back…')
    replay(names)
      .then(({ replayed }) => say(`${replayed} put back.`))
      .catch((error: Error) => say(`Not put back: ${error.message}`))
      .finally(() => void changed())
  }
  return (
    <section aria-labelledby="dead-letters" className="wide">
      <h2 id="dead-letters">Dead letters</h2>
      {letters === null && <p role="alert">The log does not answer.</p>}
      {letters?.total === 0 && <p>None: everything that arrived was handled.</p>}
      {letters && letters.total > 0 && (
        <>
          <p>
            {letters.total.toLocaleString('en')} in all{' '}
            <button onClick={() => putBack(letters.shown.map(({ name }) => name))}>Put back those shown</button>
          </p>
          <Table letters={letters.shown} putBack={putBack} />
        </>
      )}
      <p role="status">{said}</p>
    </section>
  )
}

function Table({ letters, putBack }: { letters: DeadLetter[]; putBack(names: string[]): void }) {
  return (
    <table>
      <thead>
        <tr>
          {['From', 'Study', 'Error', 'Reason', 'Attempts', 'Put back'].map((heading) => (
            <th scope="col" key={heading}>
              {heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {letters.map((letter) => (
          <tr key={letter.name}>
            <td>{letter['original-topic']}</td>
            <td>{letter.study}</td>
            <td>{letter['error-type']}</td>
            <td>{letter['error-text']}</td>
            <td>{letter.attempts}</td>
            <td>
              <button aria-label={`Put back ${letter.name}`} onClick={() => putBack([letter.name])}>
                Put back
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
