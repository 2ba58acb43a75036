import { type ComponentType, lazy, Suspense, useEffect, useState } from 'react'
import { StudyListPage } from '../list/StudyListPage'
import { Failure, Guard } from './Guard'
import { parseRoute, useHash } from './route'

type Page = ComponentType<{ studies: string[] }>

let viewer: Page | undefined
const loadViewer = () => import('../viewer/ViewerPage').then((file) => (viewer = file.ViewerPage))
const OperationsPage = lazy(() =>
  import('../operations/OperationsPage').then((file) => ({ default: file.OperationsPage })),
)

/** The viewer, at once if its code is here: what is lazy is held back by React for 300 ms, even then. */
function Viewer({ studies }: { studies: string[] }) {
  const [Loaded, setLoaded] = useState<Page | undefined>(() => viewer)
  const [failure, setFailure] = useState<Error>()
  useEffect(() => {
    if (!Loaded) loadViewer().then((page) => setLoaded(() => page), setFailure)
  }, [Loaded])
  if (failure) throw failure
  return Loaded ? <Loaded studies={studies} /> : <p className="waiting">…</p>
}

/** Shows the page that the address names. The viewer's code is fetched while the list is read. */
export function App() {
  const hash = useHash()
  const route = parseRoute(hash)
  useEffect(() => {
    const timer = setTimeout(() => void loadViewer().catch(() => undefined), 300)
    return () => clearTimeout(timer)
  }, [])
  return (
    <Guard key={hash} fallback={(error) => <Failure error={error} />}>
      <Suspense fallback={<p className="waiting">…</p>}>
        {route.page === 'viewer' && <Viewer studies={route.studies} />}
        {route.page === 'operations' && <OperationsPage />}
        {route.page === 'list' && <StudyListPage />}
      </Suspense>
    </Guard>
  )
}
