import type { SystemState } from '../archive/operations'

/** What is stored, and how much room is left. */
export function Storage({ storage: { counts, disk } }: { storage: SystemState['storage'] }) {
  const used = disk && disk.total_bytes - disk.free_bytes
  return (
    <section aria-labelledby="storage">
      <h2 id="storage">Storage</h2>
      {counts ? (
        <p>
          <strong>{counts.studies.toLocaleString('en')}</strong> studies, <strong>{counts.instances.toLocaleString('en')}</strong>{' '}
          instances
        </p>
      ) : (
        <p role="alert">The catalog does not answer.</p>
      )}
      {disk && used !== null ? (
        <p>
          <meter aria-label="Disk in use" min={0} max={disk.total_bytes} high={disk.total_bytes * 0.9} value={used} />{' '}
          {gigabytes(disk.free_bytes)} free of {gigabytes(disk.total_bytes)}
        </p>
      ) : (
        <p>The blobs are not on a disk of this machine.</p>
      )}
    </section>
  )
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
