import {
  addTool,
  AngleTool,
  ArrowAnnotateTool,
  CrosshairsTool,
  EllipticalROITool,
  Enums,
  LengthTool,
  MagnifyTool,
  PanTool,
  ProbeTool,
  RectangleROITool,
  ReferenceLinesTool,
  StackScrollTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
} from '@cornerstonejs/tools'

const { Primary, Secondary, Auxiliary, Wheel } = Enums.MouseBindings

/** What the main button, or one finger, can do. */
export const HAND_TOOLS = [
  { name: WindowLevelTool.toolName, label: 'Window', key: 'w' },
  { name: StackScrollTool.toolName, label: 'Scroll', key: 's' },
  { name: PanTool.toolName, label: 'Pan', key: 'p' },
  { name: ZoomTool.toolName, label: 'Zoom', key: 'z' },
  { name: MagnifyTool.toolName, label: 'Magnify', key: 'm' },
] as const

/** What can be drawn into an image, and saved. */
export const MEASURING_TOOLS = [
  { name: LengthTool.toolName, label: 'Length', key: 'l' },
  { name: AngleTool.toolName, label: 'Angle', key: 'a' },
  { name: EllipticalROITool.toolName, label: 'Ellipse', key: 'e' },
  { name: RectangleROITool.toolName, label: 'Rectangle', key: 'r' },
  { name: ProbeTool.toolName, label: 'Probe', key: 'b' },
  { name: ArrowAnnotateTool.toolName, label: 'Arrow', key: 't' },
] as const

/** Fingers scroll at first, as they do everywhere; a mouse has a wheel for that. */
export const FIRST_TOOL: string = matchMedia('(pointer: coarse)').matches ? StackScrollTool.toolName : WindowLevelTool.toolName

const STACKS = 'stacks'
const VOLUMES = 'volumes'

/** Registers every tool; once. */
export function addTools(): void {
  const all = [
    ...[WindowLevelTool, PanTool, ZoomTool, StackScrollTool, MagnifyTool, ReferenceLinesTool, CrosshairsTool],
    ...[LengthTool, AngleTool, EllipticalROITool, RectangleROITool, ProbeTool, ArrowAnnotateTool],
  ]
  for (const tool of all) addTool(tool)
  makeStackGroup()
}

function makeStackGroup(): void {
  const group = ToolGroupManager.createToolGroup(STACKS)
  if (!group) return
  for (const { name } of [...HAND_TOOLS, ...MEASURING_TOOLS]) group.addTool(name)
  group.addTool(ReferenceLinesTool.toolName)
  for (const { name } of MEASURING_TOOLS) group.setToolPassive(name)
  takeTool(FIRST_TOOL)
}

/** The group of tools that stacks share. */
export function stackTools() {
  const group = ToolGroupManager.getToolGroup(STACKS)
  if (!group) throw new Error('Cornerstone was not started')
  return group
}

/** Gives the main button, and one finger, to a tool. The wheel, two fingers and the other buttons keep theirs. */
export function takeTool(name: string): void {
  const group = stackTools()
  for (const tool of HAND_TOOLS) if (tool.name !== name) group.setToolPassive(tool.name, { removeAllBindings: true })
  for (const tool of MEASURING_TOOLS) if (tool.name !== name) group.setToolPassive(tool.name, { removeAllBindings: true })
  const always: Record<string, object[]> = {
    [PanTool.toolName]: [{ mouseButton: Auxiliary }],
    [ZoomTool.toolName]: [{ mouseButton: Secondary }, { numTouchPoints: 2 }],
    [StackScrollTool.toolName]: [{ mouseButton: Wheel }, { numTouchPoints: 3 }],
  }
  const own = [{ mouseButton: Primary }, { numTouchPoints: 1 }]
  for (const [each, bindings] of Object.entries(always)) {
    group.setToolActive(each, { bindings: (each === name ? [...own, ...bindings] : bindings) as never })
  }
  if (!(name in always)) group.setToolActive(name, { bindings: own as never })
}

/** Shows where the active viewport's image cuts the others. */
export function showReferenceLines(source: string | undefined): void {
  const group = stackTools()
  if (source === undefined) group.setToolDisabled(ReferenceLinesTool.toolName)
  else {
    group.setToolConfiguration(ReferenceLinesTool.toolName, { sourceViewportId: source }, true)
    group.setToolEnabled(ReferenceLinesTool.toolName)
  }
}

const PLANE_COLOURS: Record<string, string> = { axial: '#ff6b5e', coronal: '#52c78a', sagittal: '#ffd24a' }

/** Makes the group of tools for three planes of a volume. */
export function makeVolumeGroup(engine: string, viewports: string[]): void {
  const group = ToolGroupManager.createToolGroup(VOLUMES)
  if (!group) return
  for (const name of [WindowLevelTool, PanTool, ZoomTool, StackScrollTool].map((tool) => tool.toolName)) group.addTool(name)
  group.addTool(CrosshairsTool.toolName, {
    getReferenceLineColor: (id: string) => PLANE_COLOURS[id] ?? '#4aa8ff',
    getReferenceLineControllable: () => true,
    getReferenceLineDraggableRotatable: () => true,
    getReferenceLineSlabThicknessControlsOn: () => false,
  })
  for (const id of viewports) group.addViewport(id, engine)
  group.setToolActive(StackScrollTool.toolName, { bindings: [{ mouseButton: Wheel }] })
  group.setToolActive(PanTool.toolName, { bindings: [{ mouseButton: Auxiliary }] })
  group.setToolActive(ZoomTool.toolName, { bindings: [{ mouseButton: Secondary }] })
}

/** Gives the main button of the planes to the crosshairs, or to the window. */
export function takeCrosshairs(is: boolean): void {
  const group = ToolGroupManager.getToolGroup(VOLUMES)
  const [on, off] = is
    ? [CrosshairsTool.toolName, WindowLevelTool.toolName]
    : [WindowLevelTool.toolName, CrosshairsTool.toolName]
  group?.setToolPassive(off, { removeAllBindings: true })
  group?.setToolActive(on, { bindings: [{ mouseButton: Primary }, { numTouchPoints: 1 }] as never })
}

export function removeVolumeGroup(): void {
  ToolGroupManager.destroyToolGroup(VOLUMES)
}
