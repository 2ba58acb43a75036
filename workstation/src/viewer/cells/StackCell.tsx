import { useEffect, useRef, useState } from 'react'
import { text } from '../../archive/dataset'
import { dicomWeb, instancePath } from '../../archive/studies'
import { type StackState, StackView } from '../cornerstone/stackView'
import type { DisplaySet, Frame } from '../images/displaySets'
import { useStackState } from '../useStackState'
import { Overlay } from './Overlay'

interface Props {
  cell: number
  set: DisplaySet
  put(cell: number, view: StackView | undefined): void
}

/** A stack: the archive's picture of its first image at once, then the images themselves. */
export function StackCell({ cell, set, put }: Props) {
  const element = useRef<HTMLDivElement>(null)
  const [view, setView] = useState<StackView>()
  const state = useStackState(view)

  useEffect(() => {
    if (!element.current) return undefined
    const opened = new StackView(`cell-${cell}`, element.current, set)
    const observer = new ResizeObserver(() => opened.resized())
    observer.observe(element.current)
    setView(opened)
    put(cell, opened)
    void opened.open()
    return () => {
      observer.disconnect()
      put(cell, undefined)
      opened.close()
    }
  }, [cell, put, set])

  const first = set.frames[0]
  return (
    <>
      <div ref={element} className="stack" onContextMenu={(event) => event.preventDefault()} />
      {!state?.isShown && first && <img className="preview" alt="" src={preview(first)} />}
      {view && state && <Cover view={view} state={state} />}
      {view && state && <Overlay set={set} state={state} />}
    </>
  )
}

/** Hides a picture that is not the one that is named beside it. */
function Cover({ view, state }: { view: StackView; state: StackState }) {
  if (state.failure)
    return (
      <div className="cover" role="alert">
        <p>
          Image {state.index + 1} cannot be shown: {state.failure}.
        </p>
        <button onClick={() => view.retry()}>Try this image again</button>
      </div>
    )
  if (!state.isWaiting) return null
  return (
    <div className="cover late" role="status">
      <p>Image {state.index + 1} is on its way…</p>
    </div>
  )
}

function preview({ dataset, number }: Frame): string {
  const path = instancePath(text(dataset, '0020000D'), text(dataset, '0020000E'), text(dataset, '00080018'))
  const side = String(Math.min(1024, Math.round(innerHeight * devicePixelRatio)))
  return dicomWeb(`${path}/frames/${number}/rendered`, { viewport: `${side},${side}` })
}
