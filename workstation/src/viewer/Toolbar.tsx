import { HAND_TOOLS, MEASURING_TOOLS } from './cornerstone/tools'
import type { StackView } from './cornerstone/stackView'
import { DownloadMenu } from './DownloadMenu'
import { labelOf, type Layout, LAYOUTS } from './hanging'
import { type DisplaySet, isVolume } from './images/displaySets'
import { framesPerSecond } from './useKeys'
import { useStackState } from './useStackState'
import type { PanelName, ViewerState } from './useViewer'
import { presetsOf } from './windows'

interface Props {
  state: ViewerState
  set(part: Partial<ViewerState>): void
  layOut(layout: Layout): void
  view: StackView | undefined
  active: DisplaySet | undefined
  study: string
}

const PANELS: { name: PanelName; label: string }[] = [
  { name: 'enhance', label: 'Enhance' },
  { name: 'measurements', label: 'Measurements' },
  { name: 'tags', label: 'Tags' },
]

/** Everything that can be done with the picture that is seen. */
export function Toolbar({ state, set, layOut, view, active, study }: Props) {
  return (
    <header>
      <div className="bar" role="toolbar" aria-label="Viewer">
      <a href="#/" aria-label="Back to the list" className="button">
        ←
      </a>
      <Tools state={state} set={set} />
      <Window view={view} modality={active?.modality ?? ''} />
      <Turning view={view} />
      <Playing view={view} />
      <select
        aria-label="Layout"
        value={labelOf(state.layout)}
        onChange={(event) => layOut(LAYOUTS.find((layout) => labelOf(layout) === event.target.value) ?? state.layout)}
      >
        {LAYOUTS.map((layout) => (
          <option key={labelOf(layout)}>{labelOf(layout)}</option>
        ))}
      </select>
      <button aria-pressed={state.isLinked} onClick={() => set({ isLinked: !state.isLinked })}>
        Link
      </button>
      <button aria-pressed={state.hasReferenceLines} onClick={() => set({ hasReferenceLines: !state.hasReferenceLines })}>
        Lines
      </button>
      <button
        aria-pressed={state.volume !== undefined}
        disabled={!state.volume && !(active && isVolume(active))}
        onClick={() => set({ volume: state.volume ? undefined : active?.id })}
      >
        MPR
      </button>
      {PANELS.map(({ name, label }) => (
        <button key={name} aria-pressed={state.panel === name} onClick={() => set({ panel: state.panel === name ? undefined : name })}>
          {label}
        </button>
      ))}
      <DownloadMenu study={study} set={active} view={view} />
      </div>
    </header>
  )
}

function Tools({ state, set }: Pick<Props, 'state' | 'set'>) {
  return [HAND_TOOLS, MEASURING_TOOLS].map((tools, index) => (
    <div key={index} className="group" role="group" aria-label={index === 0 ? 'Hand' : 'Measure'}>
      {tools.map(({ name, label, key }) => (
        <button key={name} aria-pressed={state.tool === name} title={`${label} (${key})`} onClick={() => set({ tool: name })}>
          {label}
        </button>
      ))}
    </div>
  ))
}

function Window({ view, modality }: { view: StackView | undefined; modality: string }) {
  const presets = presetsOf(modality)
  if (presets.length === 0) return null
  return (
    <select
      aria-label="Window preset"
      value=""
      onChange={(event) => {
        const preset = presets.find(({ name }) => name === event.target.value)
        if (preset) view?.setWindow(preset)
      }}
    >
      <option value="">Window…</option>
      {presets.map(({ name, center, width }) => (
        <option key={name} value={name}>
          {`${name} (${width}/${center})`}
        </option>
      ))}
    </select>
  )
}

function Turning({ view }: { view: StackView | undefined }) {
  return (
    <div className="group" role="group" aria-label="Turn">
      <button title="Rotate (o)" aria-label="Rotate" onClick={() => view?.rotate(90)}>
        ⟳
      </button>
      <button title="Flip left to right (h)" aria-label="Flip left to right" onClick={() => view?.flip('horizontal')}>
        ⇋
      </button>
      <button title="Flip top to bottom (v)" aria-label="Flip top to bottom" onClick={() => view?.flip('vertical')}>
        ⥯
      </button>
      <button title="Invert (i)" aria-label="Invert" onClick={() => view?.invert()}>
        ◐
      </button>
      <button title="As at first (0)" onClick={() => view?.reset()}>
        Reset
      </button>
    </div>
  )
}

function Playing({ view }: { view: StackView | undefined }) {
  const state = useStackState(view)
  const isPlaying = state?.isPlaying ?? false
  return (
    <button
      aria-pressed={isPlaying}
      disabled={!view || view.set.frames.length < 2}
      onClick={() => view?.play(isPlaying ? undefined : framesPerSecond(view))}
    >
      {isPlaying ? '❚❚ Stop' : '▶ Cine'}
    </button>
  )
}
