import { useEffect, useMemo, useState } from 'react'
import { personName, text, type PersonName } from '../archive/dataset'
import { markSeen } from '../list/seen'
import { CellGrid } from './CellGrid'
import { leaveDrawing } from './cornerstone/drawing'
import { stackEngine } from './cornerstone/setup'
import { takeTool } from './cornerstone/tools'
import type { DisplaySet } from './images/displaySets'
import { withKeyImages } from './images/keyImages'
import { MprView } from './mpr/MprView'
import { EnhancePanel } from './panels/EnhancePanel'
import { MeasurementsPanel, useSavedMeasurements } from './panels/MeasurementsPanel'
import { TagBrowser } from './panels/TagBrowser'
import { SeriesPanel } from './SeriesPanel'
import { Toolbar } from './Toolbar'
import { useKeys } from './useKeys'
import { useLinking } from './useLinking'
import { useReferenceLines } from './useReferenceLines'
import { useStudy } from './useStudy'
import { useViewer } from './useViewer'
import { useViews } from './useViews'
import './viewer.css'

/** One study, or two that are compared. */
export function ViewerPage({ studies }: { studies: string[] }) {
  const isStarted = useCornerstone()
  const [uid, comparedUid] = studies
  const [version, setVersion] = useState(0)
  const own = useStudy(uid, version)
  const compared = useStudy(comparedUid, version)
  const isReady = own.isComplete && (comparedUid === undefined || compared.isComplete)
  const { state, set, layOut, show } = useViewer(own.sets, compared.sets, isReady)
  const sets = useMemo(() => withKeyImages([...own.sets, ...compared.sets]), [own.sets, compared.sets])
  const views = useViews()
  const active = sets.find((each) => each.id === state.cells[state.active])
  const view = views.at(state.active)

  useEffect(() => {
    if (!isStarted) return
    leaveDrawing()
    takeTool(state.tool)
  }, [state.tool, isStarted])
  useKeys(state, set, view)
  useLinking(state.isLinked, views, view)
  useReferenceLines(state.hasReferenceLines, view, views.version)
  useTitle(own.sets)
  useSavedMeasurements(sets)
  useEffect(() => {
    const instances = own.sets.reduce((sum, each) => sum + new Set(each.frames.map((frame) => frame.dataset)).size, 0)
    if (uid !== undefined && own.isComplete) markSeen(uid, Math.max(instances, own.sets.length))
  }, [uid, own.isComplete, own.sets])

  const volume = sets.find((each) => each.id === state.volume)
  return (
    <div className="viewer">
      <Toolbar {...{ state, set, layOut, view, active }} study={uid ?? ''} />
      <div className="body">
        <SeriesPanel sets={sets} study={uid ?? ''} failures={[...own.failures, ...compared.failures]} shown={state.cells} show={show} />
        {volume ? (
          <MprView set={volume} close={() => set({ volume: undefined })} />
        ) : (
          <CellGrid {...{ state, set, show, sets, views }} study={uid ?? ''} isReady={isReady} />
        )}
        {state.panel === 'enhance' && <EnhancePanel set={active} view={view} />}
        {state.panel === 'tags' && <TagBrowser set={active} view={view} />}
        {state.panel === 'measurements' && (
          <MeasurementsPanel {...{ sets, show, views, view }} reload={() => setVersion((before) => before + 1)} />
        )}
      </div>
    </div>
  )
}

/** Starts Cornerstone when the archive's own picture of the study is on screen; tells whether it is started. */
function useCornerstone(): boolean {
  const [isStarted, setStarted] = useState(false)
  useEffect(() => {
    const start = () => {
      stackEngine()
      setStarted(true)
    }
    const timer = setTimeout(start, 50)
    return () => clearTimeout(timer)
  }, [])
  return isStarted
}

function useTitle(sets: DisplaySet[]): void {
  const dataset = sets[0]?.dataset
  useEffect(() => {
    const name = dataset && personName(dataset['00100010']?.Value?.[0] as PersonName)
    document.title = name ? `${name} — ${text(dataset, '00081030')}` : 'Radstream'
  }, [dataset])
}
