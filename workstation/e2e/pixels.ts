/** What is on a viewport's canvas: a page's tree may be right while the picture is black. */
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Point, Stage } from './stage'

export interface Picture {
  mean: number
  variance: number
  /** Grey values of a coarse grid, to tell pictures apart. */
  grid: number[]
}

/** Reads the canvas in the element that `selector` finds. */
export function picture(page: Page, selector = '.cell'): Promise<Picture> {
  return page.evaluate((within) => {
    const canvas = document.querySelector<HTMLCanvasElement>(`${within} canvas`)
    if (!canvas) return { mean: 0, variance: 0, grid: [] }
    const side = 64
    const copy = document.createElement('canvas')
    copy.width = copy.height = side
    const context = copy.getContext('2d')
    if (!context) return { mean: 0, variance: 0, grid: [] }
    context.drawImage(canvas, 0, 0, side, side)
    const { data } = context.getImageData(0, 0, side, side)
    const grid = Array.from({ length: side * side }, (_, index) => data[index * 4] ?? 0)
    const mean = grid.reduce((sum, value) => sum + value, 0) / grid.length
    const variance = grid.reduce((sum, value) => sum + (value - mean) ** 2, 0) / grid.length
    return { mean, variance, grid }
  }, selector)
}

/** The mean difference of two pictures, in grey values. */
export function difference(a: Picture, b: Picture): number {
  return a.grid.reduce((sum, value, index) => sum + Math.abs(value - (b.grid[index] ?? 0)), 0) / Math.max(1, a.grid.length)
}

/** Waits until the canvas shows a picture, and one that differs from `before`. */
export async function shown(page: Page, before?: Picture, selector = '.cell', least = 0.3): Promise<Picture> {
  const until = Date.now() + 60_000
  let seen = await picture(page, selector)
  while (Date.now() < until) {
    if (seen.variance > 20 && (!before || difference(seen, before) > least)) return seen
    await page.waitForTimeout(100)
    seen = await picture(page, selector)
  }
  expect(seen.variance, 'the canvas shows a picture').toBeGreaterThan(20)
  expect(before ? difference(seen, before) : 1, 'the picture changed').toBeGreaterThan(least)
  return seen
}

/** How bright the canvas is where a pixel of the image would be if it filled the viewport as it was stored; 0 to 255. */
export async function greyAt(stage: Stage, point: Point, canvas = '.stack canvas'): Promise<number> {
  const [x, y] = await stage.at(point)
  return stage.cell.evaluate(
    (cell, at) => {
      const drawn = cell.querySelector<HTMLCanvasElement>(at.canvas)
      const box = drawn?.getBoundingClientRect()
      const context = drawn?.getContext('2d')
      if (!drawn || !box || !context) return -1
      const [across, down] = [((at.x - box.x) / box.width) * drawn.width, ((at.y - box.y) / box.height) * drawn.height]
      return context.getImageData(Math.floor(across), Math.floor(down), 1, 1).data[0] ?? -1
    },
    { x, y, canvas },
  )
}
