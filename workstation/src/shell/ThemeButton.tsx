import { useEffect, useState } from 'react'
import { keep, kept } from './preferences'

const NAME = 'theme'
type Theme = 'dark' | 'light'

function preferred(): Theme {
  return kept<Theme>(NAME, matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark')
}

/** Changes between dark and light. */
export function ThemeButton() {
  const [theme, setTheme] = useState(preferred)
  useEffect(() => {
    document.documentElement.dataset.theme = theme
  }, [theme])
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
