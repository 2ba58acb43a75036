import { COLUMNS } from './columns'

interface Props {
  hidden: ReadonlySet<string>
  toggle(name: string): void
}

/** Chooses what the list shows of each study. */
export function ColumnMenu({ hidden, toggle }: Props) {
  return (
    <details className="menu">
      <summary>Columns</summary>
      <fieldset>
        <legend>Shown in the list</legend>
        {COLUMNS.map((column) => (
          <label key={column.name}>
            <input type="checkbox" checked={!hidden.has(column.name)} onChange={() => toggle(column.name)} />
            {column.label}
          </label>
        ))}
      </fieldset>
    </details>
  )
}
