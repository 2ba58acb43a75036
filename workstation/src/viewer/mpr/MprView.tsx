import { useEffect, useRef, useState } from 'react'
import { takeCrosshairs } from '../cornerstone/tools'
import { PLANES, VolumeView } from '../cornerstone/volumeView'
import type { DisplaySet } from '../images/displaySets'
import { presetsOf } from '../windows'

interface Props {
  set: DisplaySet
  close(): void
}

/** A volume in three planes, joined by crosshairs. */
export function MprView({ set, close }: Props) {
  const elements = useRef<Record<string, HTMLDivElement | null>>({})
  const [view, setView] = useState<VolumeView>()
  const [progress, setProgress] = useState<number>()
  const [failure, setFailure] = useState('')
  const [hasCrosshairs, setCrosshairs] = useState(true)

  useEffect(() => {
    const opened = new VolumeView(set, elements.current as Record<string, HTMLDivElement>)
    setView(opened)
    opened.open(setProgress).then(
      () => takeCrosshairs(true),
      (error: Error) => setFailure(error.message),
    )
    return () => opened.close()
  }, [set])
  useEffect(() => takeCrosshairs(hasCrosshairs), [hasCrosshairs])

  return (
    <main className="cells mpr" aria-label="Multiplanar reconstruction">
      <div className="mpr-bar">
        <button aria-pressed={hasCrosshairs} onClick={() => setCrosshairs(!hasCrosshairs)}>
          Crosshairs
        </button>
        {presetsOf(set.modality).map((preset) => (
          <button key={preset.name} onClick={() => view?.setWindow(preset)}>
            {preset.name}
          </button>
        ))}
        <button onClick={close}>Back to the stack</button>
        <span role="status">{told(progress)}</span>
      </div>
      {PLANES.map((plane) => (
        <section key={plane} className="cell" aria-label={plane}>
          <div
            className="stack"
            ref={(element) => {
              elements.current[plane] = element
            }}
            onContextMenu={(event) => event.preventDefault()}
          />
          <span className="plane">{plane}</span>
        </section>
      ))}
      {failure && (
        <p role="alert" className="failed">
          The volume cannot be shown: {failure}
        </p>
      )}
    </main>
  )
}

function told(progress: number | undefined): string {
  if (progress === undefined) return 'Preparing…'
  return progress < 1 ? `${Math.round(progress * 100)} % of the volume is here` : ''
}
