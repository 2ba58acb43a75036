import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { screenshot, visit } from './browser'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Finding {
  id: string
  help: string
  nodes: { html: string }[]
}

async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE) // past the policy on content, which would not let the page load it
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } }
    return (await axe.run()).violations
  })
  return found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`)
}

describe.each(['dark', 'light'] as const)('in %s', (colorScheme) => {
  it('the list has nothing that axe complains of', async () => {
    const { page, browser } = await visit('', { colorScheme })
    await page.getByRole('gridcell').first().waitFor()
    await page.waitForTimeout(500)
    expect(await findings(page)).toEqual([])
    await screenshot(page, `list-${colorScheme}`)
    await browser.close()
  })

  it('the operations page has nothing that axe complains of', async () => {
    const { page, browser, faults } = await visit('#/operations', { colorScheme })
    await page.getByRole('heading', { name: 'Dead letters' }).waitFor()
    await page.getByRole('button', { name: 'Test by C-ECHO' }).click()
    await page.getByText('Answered 0x0000').waitFor()
    expect(await findings(page)).toEqual([])
    await screenshot(page, `operations-${colorScheme}`)
    expect(faults).toEqual([])
    await browser.close()
  })

  it('the viewer has nothing that axe complains of', async () => {
    const { page, browser } = await visit('', { colorScheme })
    await page.getByRole('gridcell').first().waitFor()
    await page.getByRole('gridcell').first().dblclick()
    await page.locator('.overlay').first().waitFor()
    expect(await findings(page)).toEqual([])
    await browser.close()
  })
})
