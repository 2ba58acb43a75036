import { getConfiguration, init as initCore, RenderingEngine, setUseCPURendering } from '@cornerstonejs/core'
import { init as initLoader } from '@cornerstonejs/dicom-image-loader'
import { init as initTools } from '@cornerstonejs/tools'
import { frameRequests } from '../images/link'
import { watchDrawing } from './drawing'
import { addTools } from './tools'

const MOST_WORKERS = 4
const SOFTWARE = /SwiftShader|llvmpipe|software|Microsoft Basic Render/i

let engines: { stacks: RenderingEngine; volumes: RenderingEngine | undefined } | undefined

/** Tells whether WebGL is emulated: then Cornerstone's own drawing of stacks is several times faster. */
function isWebGlSlow(): boolean {
  const context = document.createElement('canvas').getContext('webgl2')
  const names = context?.getExtension('WEBGL_debug_renderer_info')
  const renderer = context && names ? String(context.getParameter(names.UNMASKED_RENDERER_WEBGL)) : ''
  context?.getExtension('WEBGL_lose_context')?.loseContext()
  return !context || SOFTWARE.test(renderer)
}

/** The engine that draws stacks; the first call starts Cornerstone. */
export function stackEngine(): RenderingEngine {
  if (engines === undefined) {
    // Each further context would hold the whole volume once more.
    const standard = getConfiguration()
    initCore({ ...standard, rendering: { ...standard.rendering, webGlContextCount: 1 } })
    setUseCPURendering(isWebGlSlow(), false)
    initLoader({ maxWebWorkers: Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1), ...frameRequests() })
    initTools()
    addTools()
    watchDrawing()
    engines = { stacks: new RenderingEngine('stacks'), volumes: undefined }
  }
  return engines.stacks
}

/** The engine that draws volumes, which takes WebGL, however slow. */
export function volumeEngine(): RenderingEngine {
  stackEngine()
  if (engines === undefined) throw new Error('Cornerstone did not start')
  setUseCPURendering(false, false)
  engines.volumes ??= new RenderingEngine('volumes')
  return engines.volumes
}

/** To be called when volumes are not shown any more. */
export function closeVolumeEngine(): void {
  engines?.volumes?.destroy()
  if (engines) engines.volumes = undefined
  setUseCPURendering(isWebGlSlow(), false)
}
