import { type Dataset, items, personName, texts, text, type PersonName } from '../../archive/dataset'

/** A content item of a structured report as it is read (PS3.3 C.17.3). Pure. */
export interface ReportItem {
  name: string
  value: string
  items: ReportItem[]
}

const DEEPEST = 32

/** The content tree of a report. */
export function contentOf(dataset: Dataset, depth = 0): ReportItem {
  const children = depth < DEEPEST ? items(dataset, '0040A730') : []
  return { name: meaningOf(dataset, '0040A043'), value: valueOf(dataset), items: children.map((child) => contentOf(child, depth + 1)) }
}

/** The Code Meaning of a coded attribute. */
export function meaningOf(dataset: Dataset, tag: string): string {
  const code = items(dataset, tag)[0]
  return code ? text(code, '00080104') : ''
}

function valueOf(item: Dataset): string {
  switch (text(item, '0040A040')) {
    case 'TEXT':
      return text(item, '0040A160')
    case 'CODE':
      return meaningOf(item, '0040A168')
    case 'NUM': {
      const measured = items(item, '0040A300')[0]
      if (!measured) return meaningOf(item, '0040A301')
      const unit = items(measured, '004008EA')[0]
      return `${text(measured, '0040A30A')} ${unit ? text(unit, '00080100') : ''}`.trim()
    }
    case 'PNAME':
      return personName(item['0040A123']?.Value?.[0] as PersonName)
    case 'DATE':
      return text(item, '0040A121')
    case 'TIME':
      return text(item, '0040A122')
    case 'DATETIME':
      return text(item, '0040A120')
    case 'UIDREF':
      return text(item, '0040A124')
    case 'SCOORD':
      return `${text(item, '00700023')} of ${texts(item, '00700022').length / 2} points`
    default:
      return ''
  }
}
