import { eventTarget, getEnabledElementByViewportId } from '@cornerstonejs/core'
import { annotation, cancelActiveManipulations, Enums } from '@cornerstonejs/tools'
import { MEASURING_TOOLS, stackTools } from './tools'

const { ANNOTATION_ADDED, ANNOTATION_COMPLETED } = Enums.Events
const MEASURING = new Set<string>(MEASURING_TOOLS.map(({ name }) => name))
const READ_FROM_A_REPORT = /^[\d.]+$/

type Told = CustomEvent<{ annotation: { annotationUID?: string; metadata?: { toolName: string } } }>

/** What is being drawn and not ended. */
const begun = new Set<string>()

/** Remembers what is begun to be drawn; to be called once. */
export function watchDrawing(): void {
  eventTarget.addEventListener(ANNOTATION_ADDED, (event: Event) => {
    const { annotationUID: uid = '', metadata } = (event as Told).detail.annotation
    if (MEASURING.has(metadata?.toolName ?? '') && !READ_FROM_A_REPORT.test(uid)) begun.add(uid)
  })
  eventTarget.addEventListener(ANNOTATION_COMPLETED, (event: Event) => {
    begun.delete((event as Told).detail.annotation.annotationUID ?? '')
  })
}

/** Takes away what was begun to be drawn and not ended; tells whether there was anything. */
export function leaveDrawing(): boolean {
  const left = [...begun]
  if (left.length === 0) return false
  for (const { viewportId } of stackTools().getViewportsInfo()) {
    const element = getEnabledElementByViewportId(viewportId)?.viewport.element
    if (element) cancelActiveManipulations(element)
  }
  for (const uid of left) annotation.state.removeAnnotation(uid)
  begun.clear()
  return true
}
