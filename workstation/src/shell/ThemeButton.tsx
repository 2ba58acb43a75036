import { useEffect, useState } from 'react'
import { keep, kept } from './preferences'

const NAME = 'theme'
type Theme = 'dark' | 'light'

function preferred(): Theme {
  return kept<Theme>(NAME, matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark')
}

function wear(theme: Theme): void {
  document.documentElement.dataset.theme = theme
}

/** Gives the page the colours that its user, or their system, prefers. */
export function wearPreferred(): void {
  wear(preferred())
}

/** Changes between dark and light. */
export function ThemeButton() {
  const [theme, setTheme] = useState(preferred)
  useEffect(() => wear(theme), [theme])
  const other = theme === 'dark' ? 'light' : 'dark'
  const change = () => {
    keep(NAME, other)
    setTheme(other)
  }
  return (
    <button type="button" onClick={change} aria-label={`Change to ${other}`} title={`Change to ${other}`}>
      {theme === 'dark' ? '☾' : '☀'}
    </button>
  )
}
