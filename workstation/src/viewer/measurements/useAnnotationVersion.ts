import { eventTarget } from '@cornerstonejs/core'
import { Enums } from '@cornerstonejs/tools'
import { useEffect, useState } from 'react'

const { ANNOTATION_ADDED, ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED } = Enums.Events
const EVENTS = [ANNOTATION_ADDED, ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED]

/** A number that changes whenever something is drawn, changed or taken away. */
export function useAnnotationVersion(): number {
  const [version, setVersion] = useState(0)
  useEffect(() => {
    const changed = () => setVersion((before) => before + 1)
    for (const event of EVENTS) eventTarget.addEventListener(event, changed)
    return () => EVENTS.forEach((event) => eventTarget.removeEventListener(event, changed))
  }, [])
  return version
}
