import { useEffect, useState } from 'react'
import { ENHANCEMENTS, isOffered, renderedFrame } from '../../archive/enhance'
import type { StackView } from '../cornerstone/stackView'
import type { DisplaySet } from '../images/displaySets'
import { useStackState } from '../useStackState'

/** The archive's enhancements of the image that is seen, beside it: what lies left of the slider is as it was stored. */
export function EnhancePanel({ set, view }: { set: DisplaySet | undefined; view: StackView | undefined }) {
  const index = useStackState(view)?.index ?? 0
  const frame = set?.frames[index]
  const [chosen, choose] = useState(ENHANCEMENTS[0]?.steps ?? '')
  const [edge, setEdge] = useState(50)
  const [offered, setOffered] = useState<boolean>()
  const [failure, setFailure] = useState('')
  useEffect(() => {
    if (frame && offered === undefined) isOffered(frame).then(setOffered, () => setOffered(false))
  }, [frame, offered])
  useEffect(() => setFailure(''), [frame, chosen])
  if (!frame) return <Empty text="Choose an image to enhance." />
  if (offered === false) return <Empty text="This archive offers no enhancements." />
  return (
    <aside className="panel enhance" aria-label="Enhance">
      <h2>Enhance</h2>
      <div className="chips" role="group" aria-label="Enhancement">
        {ENHANCEMENTS.map(({ steps, label }) => (
          <button key={steps} aria-pressed={steps === chosen} onClick={() => choose(steps)}>
            {label}
          </button>
        ))}
      </div>
      <div className="compare">
        <img alt="as stored" src={renderedFrame(frame)} />
        <img
          alt="enhanced"
          className="enhanced"
          style={{ clipPath: `inset(0 0 0 ${edge}%)` }}
          src={renderedFrame(frame, chosen)}
          onError={() => setFailure('This image cannot be enhanced so.')}
          onLoad={() => setFailure('')}
        />
        <i className="edge" style={{ left: `${edge}%` }} />
      </div>
      <label>
        Before / after
        <input type="range" min={0} max={100} value={edge} onChange={(event) => setEdge(Number(event.target.value))} />
      </label>
      {failure && <p role="alert">{failure}</p>}
      <p>Enhanced pictures are for looking. Measure in the image as it was stored.</p>
    </aside>
  )
}

function Empty({ text }: { text: string }) {
  return (
    <aside className="panel" aria-label="Enhance">
      <h2>Enhance</h2>
      <p>{text}</p>
    </aside>
  )
}
