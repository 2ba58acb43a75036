import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './shell/App'
import { wearPreferred } from './shell/ThemeButton'
import './shell/theme.css'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
wearPreferred()
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
