/**
 * How soon planted faults are found, over twenty seeds, as a table; and the stores that are right, for longer.
 * `npm run test:kit` runs this. The table stands in docs/testing.md as it is printed.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkStore, conformance } from '../../src/testing.ts'
import { ROOT } from '../house/source.ts'
import { type FaultMeasure, RUNS_MAX, measureFault } from './measure.ts'
import { FAULTS } from './stores/faults.ts'
import { RIGHT_STORES } from './stores/right.ts'

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)
/** So many of the seeds have to find a fault. */
const SEEDS_LEAST = 19

test('stores that are right pass', async () => {
  const rows: (readonly string[])[] = []
  for (const [name, subject] of Object.entries(RIGHT_STORES)) {
    const { passed, failed, notSupported, results } = await conformance(subject)
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect([failed, notSupported]).toEqual([0, 0])
    const { runs, met } = await checkStore({ ...subject, runs: 100 })
    rows.push([name, `${passed} of ${results.length}`, String(runs), String(met.read), String(met.refusal)])
  }
  console.log(tableOf(['store', 'conformance cases passed', 'runs passed', 'reads', 'refusals'], rows))
})

test(`faults are found within ${RUNS_MAX} runs by ${SEEDS_LEAST} of ${SEEDS.length} seeds`, async () => {
  const measures: FaultMeasure[] = []
  for (const name of Object.keys(FAULTS)) measures.push(await measureFault(name, SEEDS))
  const table = tableOf(
    ['fault', 'cases that fail', 'seeds that find it', 'runs: median, max', 'operations: median, max'],
    measures.map(({ name, cases, seedsFound, runs, operations }) => [
      name,
      String(cases),
      `${seedsFound} of ${SEEDS.length}`,
      `${runs.median}, ${runs.max}`,
      `${operations.median}, ${operations.max}`,
    ]),
  )
  console.log(table)
  const missed = measures.filter(({ seedsFound, cases }) => seedsFound < SEEDS_LEAST || cases === 0)
  expect(missed).toEqual([])
  expect(readFileSync(join(ROOT, 'docs/testing.md'), 'utf8'), 'the table of the document').toContain(table)
})

/** A table in Markdown, as Prettier has it. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
