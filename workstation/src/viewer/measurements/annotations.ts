import { metaData } from '@cornerstonejs/core'
import { annotation as annotations, type Types } from '@cornerstonejs/tools'
import { number, text } from '../../archive/dataset'
import { MEASURING_TOOLS } from '../cornerstone/tools'
import type { DisplaySet, Frame } from '../images/displaySets'
import { register } from '../images/register'
import { newUid } from './sr'
import { type Measurement, type Stats, valuesOf } from './measurement'
import { toImage, toPatient, viewOf } from './plane'

/** What is drawn on screen, as measurements that can be saved, and back. */

const TOOLS = new Set<string>(MEASURING_TOOLS.map(({ name }) => name))
const UID = /^[0-9.]{1,64}$/
const SHAPES: Record<string, Measurement['shape']> = { Probe: 'POINT', EllipticalROI: 'ELLIPSE' }

/** Where the corners of a rectangle stand among the tool's handles, in the order in which one walks around it. */
const AROUND = [0, 1, 3, 2]

/** The frame that an image id means, among all that are open. */
function frameOf(sets: DisplaySet[], imageId: string): { set: DisplaySet; frame: Frame } | undefined {
  for (const set of sets) {
    const frame = set.frames.find((each) => each.imageId === imageId)
    if (frame) return { set, frame }
  }
  return undefined
}

/** Everything that is drawn in images of `sets`. */
export function drawn(sets: DisplaySet[]): Measurement[] {
  return annotations.state.getAllAnnotations().flatMap((each) => toMeasurement(each, sets) ?? [])
}

function toMeasurement(drawing: Types.Annotation, sets: DisplaySet[]): Measurement | undefined {
  const { referencedImageId: imageId, toolName } = drawing.metadata ?? {}
  const found = imageId && frameOf(sets, imageId)
  const handles = drawing.data.handles?.points
  if (!found || !handles || !toolName || !TOOLS.has(toolName)) return undefined
  const { set, frame } = found
  return {
    uid: uidOf(drawing),
    tool: toolName,
    label: String(drawing.data.label ?? drawing.data.text ?? ''),
    study: set.study,
    series: set.series,
    instance: text(frame.dataset, '00080018'),
    sopClass: text(frame.dataset, '00080016'),
    frame: (number(frame.dataset, '00280008') ?? 1) > 1 ? frame.number : undefined,
    shape: SHAPES[toolName] ?? 'POLYLINE',
    points: outline(toolName, handles).flatMap((point) => toImage(imageId, point)),
    values: valuesNow(drawing, toolName),
  }
}

/** What is known of a drawing beside what its tool keeps. */
interface Known {
  trackingUid?: string
  /** As they were saved: a tool computes its own only when the image is seen. */
  values?: Measurement['values']
}

/** The UID under which a drawing is tracked; drawings have ids of another kind until they are saved. */
function uidOf(drawing: Types.Annotation): string {
  const own = drawing as Types.Annotation & Known
  if (UID.test(drawing.annotationUID ?? '')) return drawing.annotationUID ?? ''
  own.trackingUid ??= newUid()
  return own.trackingUid
}

function valuesNow(drawing: Types.Annotation, tool: string): Measurement['values'] {
  const stats = Object.values((drawing.data.cachedStats ?? {}) as Record<string, Stats>)[0] ?? {}
  const computed = valuesOf(tool, stats)
  return computed.length > 0 ? computed : ((drawing as Types.Annotation & Known).values ?? [])
}

type Points = ArrayLike<number>[]

/** A tool's handles in the order that the Standard asks for: a closed line of a rectangle, an ellipse's long axis first. */
function outline(tool: string, handles: Points): Points {
  if (tool === 'RectangleROI') {
    const around = AROUND.flatMap((index) => (handles[index] ? [handles[index]] : []))
    return [...around, ...around.slice(0, 1)]
  }
  if (tool !== 'EllipticalROI') return handles
  const [bottom, top, left, right] = handles
  if (!bottom || !top || !left || !right) return handles
  return distance(bottom, top) >= distance(left, right) ? [bottom, top, left, right] : [left, right, bottom, top]
}

/** The handles that a tool wants, from columns and rows: of an ellipse bottom, top, left and right. */
export function handlesOf(tool: string, points: [number, number][]): [number, number][] {
  if (tool === 'RectangleROI') return AROUND.flatMap((index) => (points[index] ? [points[index]] : []))
  const [a, b, c, d] = points
  if (tool !== 'EllipticalROI' || !a || !b || !c || !d) return points
  const [vertical, horizontal] = Math.abs(a[1] - b[1]) >= Math.abs(a[0] - b[0]) ? [[a, b], [c, d]] : [[c, d], [a, b]]
  return [...vertical.sort((p, q) => q[1] - p[1]), ...horizontal.sort((p, q) => p[0] - q[0])]
}

/** Draws measurements that were read, unless they are drawn already. */
export async function draw(measurements: Measurement[], sets: DisplaySet[]): Promise<void> {
  for (const measurement of measurements.filter((each) => TOOLS.has(each.tool))) {
    const set = sets.find((each) => each.series === measurement.series && each.frames.some((frame) => isOf(frame, measurement)))
    const frame = set?.frames.find((each) => isOf(each, measurement))
    if (!set || !frame) continue
    await register(set) // before that nobody knows where in the patient the image lies
    const isDrawn = annotations.state.getAllAnnotations().some((each) => uidOf(each) === measurement.uid)
    if (!isDrawn) drawOne(measurement, frame)
  }
}

function drawOne(measurement: Measurement, frame: Frame): void {
  const pairs = measurement.points.flatMap((column, at, all) => (at % 2 ? [] : [[column, all[at + 1] ?? 0] as [number, number]]))
  const points = handlesOf(measurement.tool, pairs).map((pair) => toPatient(frame.imageId, pair))
  const plane = (metaData.get('imagePlaneModule', frame.imageId) ?? {}) as { frameOfReferenceUID?: string }
  annotations.state.addAnnotation(
    {
      annotationUID: measurement.uid,
      values: measurement.values,
      highlighted: false,
      invalidated: true,
      isLocked: false,
      isVisible: true,
      metadata: {
        toolName: measurement.tool,
        referencedImageId: frame.imageId,
        FrameOfReferenceUID: plane.frameOfReferenceUID ?? '',
        ...viewOf(frame.imageId), // without it no pixel counts as inside
      },
      data: {
        label: measurement.label,
        text: measurement.label,
        cachedStats: {},
        handles: { points: points as never, activeHandleIndex: null, textBox: textBox() },
      },
    } as never,
    plane.frameOfReferenceUID ?? '',
  )
}

function textBox() {
  const nowhere = [0, 0, 0]
  const bounds = { topLeft: nowhere, topRight: nowhere, bottomLeft: nowhere, bottomRight: nowhere }
  return { hasMoved: false, worldPosition: nowhere, worldBoundingBox: bounds }
}

function isOf(frame: Frame, measurement: Measurement): boolean {
  return text(frame.dataset, '00080018') === measurement.instance && frame.number === (measurement.frame ?? 1)
}

/** Takes a measurement off the screen. */
export function erase(uid: string): void {
  const drawing = annotations.state.getAllAnnotations().find((each) => uidOf(each) === uid)
  if (drawing?.annotationUID) annotations.state.removeAnnotation(drawing.annotationUID)
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.hypot(...[0, 1, 2].map((axis) => (a[axis] ?? 0) - (b[axis] ?? 0)))
}
