export function OperationsPage() {
  return <main />
}
