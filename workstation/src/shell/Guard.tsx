import { Component, type ReactNode } from 'react'

interface Props {
  fallback: (error: Error) => ReactNode
  children: ReactNode
}

/** Shows `fallback` in place of children that failed, so that one fault does not empty the page. */
export class Guard extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    return this.state.error === null ? this.props.children : this.props.fallback(this.state.error)
  }
}

/** Says what went wrong, and offers the way back. */
export function Failure({ error }: { error: Error }) {
  return (
    <main className="failure" role="alert">
      <h1>This page cannot be shown</h1>
      <p>{error.message}</p>
      <p>
        <button onClick={() => location.reload()}>Try again</button> <a href="#/">Back to the list</a>
      </p>
    </main>
  )
}
