/**
 * Every law is checked by tests that exist and name it, or says what it waits for; and no other law is cited.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, filesBelow } from '../house/source.ts'

interface Law {
  readonly number: number
  readonly text: string
}

function lawsOf(text: string): readonly Law[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => ({ number: Number(/^Law (\d+): /.exec(section)?.[1]), text: section }))
}

/** The files that a law says it is checked by. */
function checkersOf({ text }: Law): readonly string[] {
  const list = /^Checked by:\n\n((?:- .*(?:\n|$)(?: {2}.*(?:\n|$))*)+)/m.exec(text)?.[1] ?? ''
  return Array.from(list.matchAll(/^- \[[^\]]+\]\(\.\.\/([^)]+)\)/gm), ([, path]) => path!)
}

/** The laws that a text cites: `law 1`, `laws 1, 2 and 5`. */
function citedIn(text: string): readonly number[] {
  const citations = text.matchAll(/\blaws? (\d+(?:(?:, | and |, and )\d+)*)/gi)
  return Array.from(citations, ([, numbers]) => numbers!.match(/\d+/g)!.map(Number)).flat()
}

const laws = lawsOf(readFileSync(join(ROOT, 'docs/laws.md'), 'utf8'))
const tests = filesBelow('test', '.test.ts')
/** Tests, and the checkers that they run. */
const checking = [...tests, ...filesBelow('src/testing', '.ts')]
const isWaiting = ({ text }: Law): boolean => /^Not yet: comes with \w+\.$/m.test(text)

test('the laws are numbered from 1 to 11', () => {
  expect(laws.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
})

test('only the laws of snapshots and flashback are waiting', () => {
  expect(laws.filter(isWaiting).map(({ number }) => number)).toEqual([7, 9])
})

describe.each(laws.filter((law) => !isWaiting(law)))('law $number', (law) => {
  test('is checked by tests that exist', () => {
    const checkers = checkersOf(law)
    expect(checkers.filter((path) => tests.some((file) => file.path === path)).length).toBeGreaterThan(0)
    expect(checkers.filter((path) => !checking.some((file) => file.path === path))).toEqual([])
  })

  test('is cited by number in at least one of them', () => {
    const cited = checkersOf(law).flatMap((path) =>
      citedIn(checking.find((file) => file.path === path)?.text ?? ''),
    )
    expect(cited).toContain(law.number)
  })
})

test('no law is cited that does not exist', () => {
  const files = [...filesBelow('src', '.ts'), ...filesBelow('test', '.ts')]
  const unknown = files.flatMap(({ path, text }) =>
    citedIn(text)
      .filter((number) => !laws.some((law) => law.number === number))
      .map((number) => `${path}: law ${number}`),
  )
  expect(unknown).toEqual([])
})

test('citations are found as they are written', () => {
  expect(citedIn('(law 1) (laws 2, 5 and 6) Law 10: by-laws, the law, 3')).toEqual([1, 2, 5, 6, 10])
})
