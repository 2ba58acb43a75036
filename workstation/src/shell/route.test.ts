import { expect, test } from 'vitest'
import { parseRoute, viewerAddress } from './route'

test('an address names a page, and studies by their UIDs alone', () => {
  expect(parseRoute(viewerAddress('1.2', '1.3'))).toEqual({ page: 'viewer', studies: ['1.2', '1.3'] })
  expect(parseRoute('#/operations')).toEqual({ page: 'operations' })
  expect(parseRoute('')).toEqual({ page: 'list' })
})

test('what is no UID never becomes part of a URL', () => {
  expect(parseRoute('#/view/../../x')).toEqual({ page: 'list' })
  expect(parseRoute('#/view/1.2?x=1')).toEqual({ page: 'list' })
  expect(parseRoute('#/view/1.2,javascript:alert(1)')).toEqual({ page: 'viewer', studies: ['1.2'] })
})
