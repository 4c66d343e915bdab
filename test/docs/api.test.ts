/**
 * docs/api.md names every export of the library, under the heading of its path, and nothing else.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Database, DatabaseView } from '../../src/database/database.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { Table } from '../../src/table/table.ts'
import { ROOT } from '../house/source.ts'

const ROOTS: readonly (readonly [heading: string, source: string])[] = [
  ['palimpsest', 'src/index.ts'],
  ['palimpsest/level', 'src/level.ts'],
  ['palimpsest/simulator', 'src/simulator.ts'],
  ['palimpsest/testing', 'src/testing.ts'],
]

/** The names that a source exports, in its own order. */
function exportsOf(text: string): readonly string[] {
  const lists = Array.from(text.matchAll(/^export \{([^}]*)\} from/gm), ([, names]) => names!.split(','))
  const listed = lists.flat().map((name) => name.trim().replace(/^type /, ''))
  const own = text.matchAll(/^export (?:async )?(?:class|const|function|interface|type) (\w+)/gm)
  return [...listed.filter((name) => name !== ''), ...Array.from(own, ([, name]) => name!)]
}

/** The names in the first column of the tables below a heading. */
function namesBelow(heading: string, text: string): readonly string[] {
  const section = text.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? ''
  return Array.from(section.matchAll(/^\| `(\w+)/gm), ([, name]) => name!)
}

test('every entry of the package has its heading', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object }
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'))
  expect(ROOTS.map(([heading]) => heading)).toEqual(
    expect.arrayContaining(entries.map((entry) => entry.replace('.', 'palimpsest'))),
  )
  expect(ROOTS).toHaveLength(entries.length)
})

test.each(ROOTS)('%s', (heading, source) => {
  const document = readFileSync(join(ROOT, 'docs/api.md'), 'utf8')
  const exported = exportsOf(readFileSync(join(ROOT, source), 'utf8'))
  expect(exported.length).toBeGreaterThan(5)
  expect(namesBelow(heading, document).toSorted()).toEqual(exported.toSorted())
})

test('what a database does is listed whole', () => {
  const text = readFileSync(join(ROOT, 'docs/api.md'), 'utf8')
  const section = /^### A database$(.*?)^##/ms.exec(text)?.[1] ?? ''
  const listed = Array.from(section.matchAll(/^- ((?:`\w+[^`]*`(?:, )?)+): \w/gm), ([, names]) =>
    Array.from(names!.matchAll(/`(\w+)/g), ([, name]) => name!),
  )
  const members = Object.getOwnPropertyNames(Database.prototype).filter((name) => name !== 'constructor')
  expect(members.length).toBeGreaterThan(30)
  expect(listed.flat().toSorted()).toEqual(members.toSorted())
})

test.each<[string, { prototype: object }, string[], string[]]>([
  ['DatabaseView', DatabaseView, ['time'], []],
  // A handle is for faces over the same table.
  ['Table', Table, [], ['handle']],
  ['FaultFiles', FaultFiles, [], Object.getOwnPropertyNames(MemoryFiles.prototype)],
])('what a %s has is listed whole', (name, { prototype }, fields, others) => {
  const text = readFileSync(join(ROOT, 'docs/api.md'), 'utf8')
  const row = new RegExp(`^\\| \`${name}\\b.*`, 'm').exec(text)?.[0] ?? ''
  const listed = Array.from(row.matchAll(/`([a-z]\w*)/g), ([, member]) => member!)
  const members = Object.getOwnPropertyNames(prototype).filter((member) => !others.includes(member))
  expect(listed.toSorted()).toEqual([...members, ...fields].filter((it) => it !== 'constructor').toSorted())
})

test('exports of every kind are found', () => {
  const text = [
    "export { A, type B } from './a.ts'",
    "export {\n  c,\n} from './c.ts'",
    'export class D {}',
    'export const e = 1',
    'export interface F {}',
    'function g() {}',
  ].join('\n')
  expect(exportsOf(text)).toEqual(['A', 'B', 'c', 'D', 'e', 'F'])
})
