import { cache, Enums, eventTarget, getShouldUseCPURendering, type StackViewport } from '@cornerstonejs/core'
import { utilities } from '@cornerstonejs/tools'
import type { DisplaySet } from '../images/displaySets'
import type { Vector } from '../images/sorting'
import { register } from '../images/register'
import { rangeOf, windowOf } from '../windows'
import { stackEngine } from './setup'
import { stackTools } from './tools'
import { correct } from './withoutWebGl'

/** What is told of a stack on screen. */
export interface StackState {
  index: number
  window: { center: number; width: number } | undefined
  zoom: number
  /** Directions of the screen, right and down, in the image's coordinates. */
  right: Vector
  down: Vector
  isShown: boolean
  /** The image at `index` is not here yet; what is on the canvas is another one. */
  isWaiting: boolean
  isPlaying: boolean
  /** Why the image at `index` cannot be shown; empty if it can. */
  failure: string
  /** How many of the stack's images are here. */
  loaded: number
}

const BEGINNING: StackState = {
  ...{ index: 0, window: undefined, zoom: 1, right: [1, 0, 0], down: [0, 1, 0] },
  ...{ isShown: false, isWaiting: false, isPlaying: false, failure: '', loaded: 0 },
}

/** A stack in one viewport: what can be done with it, and its state for whoever subscribes. */
export class StackView {
  private readonly viewport: StackViewport
  private readonly listeners = new Set<() => void>()
  private readonly failures = new Map<string, string>()
  private readonly aborter = new AbortController()
  private readonly isDrawnByCpu = getShouldUseCPURendering()
  /** The window that somebody chose, for all images; without one each has its own. */
  private chosen: { lower: number; upper: number } | undefined
  private rendered = ''
  /** The image to be shown first, until the stack is opened. */
  private first = 0
  private isOpen = false
  state = BEGINNING

  constructor(
    readonly id: string,
    readonly element: HTMLDivElement,
    readonly set: DisplaySet,
  ) {
    const engine = stackEngine()
    engine.enableElement({ viewportId: id, type: Enums.ViewportType.STACK, element })
    this.viewport = engine.getViewport(id) as StackViewport
    if (this.isDrawnByCpu) correct(this.viewport)
    stackTools().addViewport(id, engine.id)
    this.listen()
  }

  /** Shows the images, the first one first, or where somebody scrolled to meanwhile. */
  async open(): Promise<void> {
    await register(this.set)
    if (this.aborter.signal.aborted) return
    this.isOpen = true
    await this.viewport.setStack(this.imageIds, this.first).catch(() => undefined) // told by the event of the failure
    if (this.aborter.signal.aborted) return
    this.viewport.render()
    this.count()
    utilities.stackContextPrefetch.enable(this.element)
  }

  close(): void {
    this.aborter.abort()
    utilities.cine.stopClip(this.element)
    utilities.stackContextPrefetch.disable(this.element)
    stackTools().removeViewports(stackEngine().id, this.id)
    stackEngine().disableElement(this.id)
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  scrollTo(index: number): void {
    const wanted = Math.max(0, Math.min(this.set.frames.length - 1, index))
    if (!this.isOpen) this.first = wanted
    else void this.viewport.setImageIdIndex(wanted).catch(() => undefined)
    this.look()
  }

  scroll(by: number): void {
    this.scrollTo(this.target + by)
  }

  setWindow(window: { center: number; width: number }): void {
    this.viewport.setProperties({ voiRange: rangeOf(window) })
    this.draw()
  }

  invert(): void {
    this.viewport.setProperties({ invert: !this.viewport.getProperties().invert })
    this.draw()
  }

  rotate(degrees: number): void {
    const { rotation = 0 } = this.viewport.getViewPresentation()
    this.viewport.setViewPresentation({ rotation: (rotation + degrees + 360) % 360 })
    this.draw()
  }

  flip(axis: 'horizontal' | 'vertical'): void {
    const { flipHorizontal = false, flipVertical = false } = this.viewport.getCamera()
    this.viewport.setCamera(axis === 'horizontal' ? { flipHorizontal: !flipHorizontal } : { flipVertical: !flipVertical })
    this.draw()
  }

  reset(): void {
    this.viewport.resetProperties()
    this.viewport.resetCamera()
    this.viewport.setCamera({ flipHorizontal: false, flipVertical: false })
    this.viewport.setViewPresentation({ rotation: 0 })
    this.chosen = undefined
    this.draw()
  }

  /** Plays the stack, or stops it. */
  play(framesPerSecond: number | undefined): void {
    if (framesPerSecond === undefined) utilities.cine.stopClip(this.element)
    else utilities.cine.playClip(this.element, { framesPerSecond, loop: true })
    this.tell({ isPlaying: framesPerSecond !== undefined })
  }

  /** Asks once more for the image that could not be shown. */
  retry(): void {
    const imageId = this.imageIds[this.state.index]
    if (imageId === undefined) return
    this.failures.delete(imageId)
    if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId, { force: true })
    this.tell({ failure: '' })
    void this.viewport.setStack(this.imageIds, this.state.index).catch(() => undefined)
  }

  /** The picture as it is on screen, marks included, as PNG. */
  get canvas(): HTMLCanvasElement | null {
    return this.element.querySelector('canvas')
  }

  resized(): void {
    stackEngine().resize(true, true)
  }

  /** The index of the image that is wanted, whether it is here or not. */
  private get target(): number {
    return this.isOpen ? Math.max(0, this.viewport.getTargetImageIdIndex()) : this.first
  }

  private get imageIds(): string[] {
    return this.set.frames.map((frame) => frame.imageId)
  }

  private draw(): void {
    this.viewport.render()
    this.look()
  }

  private listen(): void {
    const { signal } = this.aborter
    const { Events } = Enums
    const on = (name: string, told: () => void) => this.element.addEventListener(name, told, { signal })
    on(Events.STACK_NEW_IMAGE, () => this.look())
    on(Events.PRE_STACK_NEW_IMAGE, () => this.look())
    this.element.addEventListener(Events.VOI_MODIFIED, (event) => this.onWindow(event), { signal })
    on(Events.CAMERA_MODIFIED, () => this.look())
    on(Events.IMAGE_RENDERED, () => this.onRendered())
    const failed = (event: Event) => this.onFailure((event as CustomEvent<{ imageId: string; error: unknown }>).detail)
    const loaded = () => this.count()
    eventTarget.addEventListener(Events.IMAGE_LOAD_ERROR, failed)
    eventTarget.addEventListener(Events.IMAGE_LOAD_FAILED, failed)
    eventTarget.addEventListener(Events.IMAGE_CACHE_IMAGE_ADDED, loaded)
    signal.addEventListener('abort', () => {
      eventTarget.removeEventListener(Events.IMAGE_LOAD_ERROR, failed)
      eventTarget.removeEventListener(Events.IMAGE_LOAD_FAILED, failed)
      eventTarget.removeEventListener(Events.IMAGE_CACHE_IMAGE_ADDED, loaded)
    })
  }

  private onWindow(event: Event): void {
    this.chosen = (event as CustomEvent<{ range: { lower: number; upper: number } }>).detail.range
    this.look()
  }

  private onRendered(): void {
    const imageId = this.viewport.getCornerstoneImage()?.imageId
    if (!imageId) return
    if (!this.state.isShown) this.tell({ isShown: true })
    const isAnother = imageId !== this.rendered
    this.rendered = imageId
    if (this.isDrawnByCpu && isAnother) this.agree()
    this.look()
  }

  /** Drawn without WebGL, an image keeps the window of the one before, while the viewport says that it has its own. */
  private agree(): void {
    const window = this.chosen ?? this.viewport.getProperties().voiRange
    if (window) this.viewport.setProperties({ voiRange: window }, true)
    if (!this.chosen) this.viewport.render()
  }

  private onFailure({ imageId, error }: { imageId: string; error: unknown }): void {
    this.failures.set(imageId, reasonOf(error))
    this.look()
  }

  private count(): void {
    this.tell({ loaded: this.imageIds.filter((imageId) => cache.isLoaded(imageId)).length })
  }

  /** Takes the state from the viewport, and tells who listens if it is another one. */
  private look(): void {
    if (this.aborter.signal.aborted) return
    const voiRange = this.chosen ?? this.viewport.getProperties().voiRange
    const index = this.target
    const directions = this.state.isShown ? this.directions() : {}
    this.tell({
      index,
      window: voiRange && windowOf(voiRange),
      zoom: this.state.isShown ? this.viewport.getZoom() : 1,
      failure: this.failures.get(this.imageIds[index] ?? '') ?? '',
      isWaiting: this.state.isShown && this.rendered !== this.imageIds[index],
      ...directions,
    })
  }

  private directions(): { right: Vector; down: Vector } {
    const { clientWidth: width, clientHeight: height } = this.element
    const at = (x: number, y: number) => this.viewport.canvasToWorld([x, y])
    const [centre, right, down] = [at(width / 2, height / 2), at(width / 2 + 50, height / 2), at(width / 2, height / 2 + 50)]
    return { right: difference(right, centre), down: difference(down, centre) }
  }

  private tell(change: Partial<StackState>): void {
    const next = { ...this.state, ...change }
    if (JSON.stringify(next) === JSON.stringify(this.state)) return
    this.state = next
    for (const listener of this.listeners) listener()
  }
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): Vector {
  return [0, 1, 2].map((axis) => Number(((a[axis] ?? 0) - (b[axis] ?? 0)).toFixed(3))) as Vector
}

/** Why an image could not be loaded; the loader hands on the request that failed, or what it was wrapped in. */
function reasonOf(error: unknown): string {
  if (error instanceof XMLHttpRequest) return error.status ? `the archive answered ${error.status}` : 'the archive cannot be reached'
  const { error: inner, message } = (error ?? {}) as { error?: unknown; message?: string }
  return inner === undefined ? (message ?? 'it cannot be decoded') : reasonOf(inner)
}
