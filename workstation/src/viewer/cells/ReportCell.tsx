import { type Dataset, isoDate, text } from '../../archive/dataset'
import { contentOf, type ReportItem } from '../measurements/report'

/** A structured report as text (PS3.3 C.17.3): nested as its content tree is. */
export function ReportCell({ dataset }: { dataset: Dataset }) {
  const title = contentOf(dataset)
  return (
    <article className="report">
      <h2>{title.name || text(dataset, '0008103E') || 'Report'}</h2>
      <p>
        {[text(dataset, '00100010'), isoDate(text(dataset, '00080023')), text(dataset, '0040A493')].filter(Boolean).join(' · ')}
      </p>
      <Items items={title.items} />
    </article>
  )
}

function Items({ items }: { items: ReportItem[] }) {
  if (items.length === 0) return null
  return (
    <ul>
      {items.map((item, index) => (
        <li key={index}>
          {item.name && <b>{item.name}</b>}
          {item.name && item.value && ': '}
          {item.value}
          <Items items={item.items} />
        </li>
      ))}
    </ul>
  )
}
