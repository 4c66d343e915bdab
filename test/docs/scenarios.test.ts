/** Every scenario in the list of `docs/testing.md` has a test that says so, or a reason why there is none. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, filesBelow } from '../house/source.ts'

interface Scenario {
  readonly number: number
  readonly checkedBy: string
}

/** The rows of the list. */
function scenariosOf(text: string): readonly Scenario[] {
  const section = /^## Scenarios from other systems\n(.*?)^## /ms.exec(text)?.[1] ?? ''
  const rows = section.matchAll(/^\| +(\d+) \|.*\| ([^|]+?) +\|$/gm)
  return Array.from(rows, ([, number, checkedBy]) => ({ number: Number(number), checkedBy: checkedBy! }))
}

/** The tests that a scenario is checked by. */
function linksOf({ checkedBy }: Scenario): readonly string[] {
  return Array.from(checkedBy.matchAll(/\]\(\.\.\/([^)]+)\)/g), ([, path]) => path!)
}

/** The numbers with which titles in a test file begin. */
function numbersIn(text: string): readonly number[] {
  const titles = text.matchAll(/^\s*(?:test|describe)\b[^'"`]*\(\s*['"`](\d+): /gm)
  return Array.from(titles, ([, number]) => Number(number))
}

const scenarios = scenariosOf(readFileSync(join(ROOT, 'docs/testing.md'), 'utf8'))
const tests = filesBelow('test', '.test.ts')
const ours = tests.filter(({ path }) => path.startsWith('test/scenarios/'))
const textOf = (path: string) => tests.find((file) => file.path === path)?.text

test('the scenarios are numbered from 1 to 40', () => {
  expect(scenarios.map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
})

test('every scenario is checked by a test that is there, or says why it is not', () => {
  const without = scenarios.filter((scenario) => {
    const links = linksOf(scenario)
    if (links.length === 0) return !/^Not here: \w+/.test(scenario.checkedBy)
    return links.some((path) => textOf(path) === undefined)
  })
  expect(without).toEqual([])
})

test('a test among the scenarios names each number that the list sends there, and no other', () => {
  const listed = new Map<string, number[]>()
  for (const scenario of scenarios)
    for (const path of linksOf(scenario)) listed.set(path, [...(listed.get(path) ?? []), scenario.number])
  const found = ours.map(({ path, text }) => [path, [...new Set(numbersIn(text))]])
  expect(found).toEqual(ours.map(({ path }) => [path, listed.get(path)]))
})

test('numbers are found as titles have them', () => {
  const titles =
    "test('1: a', f)\ntest.each(ALL)(\n  '2: b %s',\n  f)\ndescribe('30: c', f)\n  test('of 4: d', f)"
  expect(numbersIn(titles)).toEqual([1, 2, 30])
})
