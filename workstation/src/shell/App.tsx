import { lazy, Suspense, useEffect } from 'react'
import { StudyListPage } from '../list/StudyListPage'
import { Failure, Guard } from './Guard'
import { parseRoute, useHash } from './route'

const loadViewer = () => import('../viewer/ViewerPage')
const ViewerPage = lazy(() => loadViewer().then((file) => ({ default: file.ViewerPage })))
const OperationsPage = lazy(() =>
  import('../operations/OperationsPage').then((file) => ({ default: file.OperationsPage })),
)

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
        {route.page === 'viewer' && <ViewerPage studies={route.studies} />}
        {route.page === 'operations' && <OperationsPage />}
        {route.page === 'list' && <StudyListPage />}
      </Suspense>
    </Guard>
  )
}
