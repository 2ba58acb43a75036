/** A viewport as people use it: pixels of the image are found on the screen, and dragged from. */
import type { Locator, Page } from 'playwright-core'
import { SIDE } from './phantoms'

const DOUBLE_CLICK_MS = 500

export type Point = [column: number, row: number]

/** One viewport of the page, by its number from 1. */
export class Stage {
  readonly cell: Locator

  constructor(
    readonly page: Page,
    readonly number = 1,
  ) {
    this.cell = page.getByRole('region', { name: `Viewport ${number}` })
  }

  /** The CSS selector of the viewport. */
  get selector(): string {
    return `.cell[aria-label="Viewport ${this.number}"]`
  }

  /** Where columns and rows of a square image that fits the viewport are on the page; 0 is a pixel's middle. */
  async at([column, row]: Point, side = SIDE): Promise<Point> {
    const box = await this.box()
    const scale = Math.min(box.width, box.height) / side
    const middle = (side - 1) / 2
    return [box.x + box.width / 2 + (column - middle) * scale, box.y + box.height / 2 + (row - middle) * scale]
  }

  /** Presses at the first point, moves through the others, lets go. */
  async drag(points: Point[], button: 'left' | 'middle' | 'right' = 'left'): Promise<void> {
    const [first, ...others] = await Promise.all(points.map((point) => this.at(point)))
    if (!first) return
    await this.page.mouse.move(...first)
    await this.page.mouse.down({ button })
    for (const point of others) await this.page.mouse.move(...point, { steps: 8 })
    await this.page.mouse.up({ button })
  }

  /** Moves there and clicks, and waits until it is clear that no second click follows. */
  async click(point: Point): Promise<void> {
    const at = await this.at(point)
    await this.page.mouse.move(...at, { steps: 8 })
    await this.page.mouse.click(...at)
    await this.page.waitForTimeout(DOUBLE_CLICK_MS)
  }

  /** A line of the overlay. */
  line(text: RegExp | string): Locator {
    return this.cell.locator('.overlay').getByText(text).first()
  }

  async box(): Promise<{ x: number; y: number; width: number; height: number }> {
    const box = await this.cell.locator('.stack').boundingBox()
    if (!box) throw new Error('the viewport is not on the page')
    return box
  }
}

/** Clicks a button of the viewer's toolbar. */
export function tool(page: Page, name: string): Promise<void> {
  return page.getByRole('toolbar').getByRole('button', { name, exact: true }).click()
}
