/**
 * abstract-level's own test suite, as its package has it, run by tape and counted.
 */
import { type EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import { type AbstractLevel } from 'abstract-level'
import tape from 'tape'

/** What came of a run of the suite. */
export interface SuiteReport {
  readonly tests: number
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Each failed assertion, with the test that it is of. */
  readonly failures: readonly string[]
}

/** Makes a database of its own, with options of Level. */
export type LevelFactory = (options?: object) => AbstractLevel<string | Uint8Array>

type Row =
  | { readonly type: 'test'; readonly id: number; readonly name: string }
  | { readonly type: 'assert'; readonly test: number; readonly ok: boolean; readonly name: string }

const require = createRequire(import.meta.url)
const suite = require('abstract-level/test') as (options: { test: tape.Test; factory: LevelFactory }) => void

/** Runs the whole suite on what a factory makes, sublevels included. */
export async function runSuite(factory: LevelFactory): Promise<SuiteReport> {
  const harness = tape.createHarness()
  const rows = harness.createStream({ objectMode: true })
  suite({ test: harness as unknown as tape.Test, factory })
  const names = new Map<number, string>()
  const asserts: (Row & { type: 'assert' })[] = []
  rows.on('data', (row: Row) => {
    if (row.type === 'test') names.set(row.id, row.name)
    if (row.type === 'assert') asserts.push(row)
  })
  await once(rows as EventEmitter, 'end')
  const failed = asserts.filter(({ ok }) => !ok)
  return {
    tests: names.size,
    passed: asserts.length - failed.length,
    failed: failed.length,
    skipped: asserts.filter((row) => 'skip' in row && row.skip !== undefined).length,
    failures: failed.map(({ test, name }) => `${names.get(test) ?? '?'}: ${name}`),
  }
}
