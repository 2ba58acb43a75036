import { useCallback, useEffect, useState } from 'react'
import { type SystemState, systemState } from '../archive/operations'
import { ThemeButton } from '../shell/ThemeButton'
import { Arrivals } from './Arrivals'
import { DeadLetters } from './DeadLetters'
import { Doors } from './Doors'
import { Storage } from './Storage'
import './operations.css'

const PERIOD_MS = 2000

/** How the system is: what comes in, who is behind, what failed, how much room there is, who may call. */
export function OperationsPage() {
  const { state, error, look } = useSystemState()
  return (
    <div className="operations">
      <header className="bar">
        <h1>Operations</h1>
        <a href="#/">Studies</a>
        <ThemeButton />
      </header>
      <main>
        {error && <p role="alert">{error.message}</p>}
        {!state && !error && <p className="waiting">Looking…</p>}
        {state && (
          <>
            <Arrivals arrivals={state.arrivals} />
            <Lags lags={state.lags} />
            <Storage storage={state.storage} />
            <Doors own={state.own} titles={state.ae_titles} />
            <DeadLetters letters={state.dead_letters} changed={look} />
          </>
        )}
      </main>
    </div>
  )
}

function Lags({ lags }: { lags: SystemState['lags'] }) {
  return (
    <section aria-labelledby="lags">
      <h2 id="lags">Waiting to be handled</h2>
      {lags ? (
        <table>
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col">Topic</th>
              <th scope="col">Records</th>
            </tr>
          </thead>
          <tbody>
            {lags.map(({ service, topic, lag }) => (
              <tr key={`${service} ${topic}`} className={lag > 1000 ? 'alarm' : ''}>
                <td>{service}</td>
                <td>{topic}</td>
                <td>{lag.toLocaleString('en')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p role="alert">The log does not answer.</p>
      )}
    </section>
  )
}

function useSystemState() {
  const [state, setState] = useState<SystemState>()
  const [error, setError] = useState<Error>()
  const look = useCallback(async () => {
    try {
      setState(await systemState())
      setError(undefined)
    } catch (reason) {
      setError(reason as Error)
    }
  }, [])
  useEffect(() => {
    document.title = 'Operations — Radstream'
    let timer: ReturnType<typeof setTimeout>
    let isLeft = false
    const again = async () => {
      await look()
      if (!isLeft) timer = setTimeout(again, PERIOD_MS)
    }
    void again()
    return () => {
      isLeft = true
      clearTimeout(timer)
    }
  }, [look])
  return { state, error, look }
}
