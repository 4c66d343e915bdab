/**
 * Gets of the past remember what need not be asked again; others ask all of it each time. Both have the same answer,
 * whatever changes in between.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { openDatabase } from '../../src/database/database.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { refusal } from '../storage/samples.ts'
import { holds } from '../time/property.ts'
import { StandingClock } from './scratch.ts'

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('put', 'put', 'delete', 'wait') },
  // Without a restore before it there is nothing to undo.
  { weight: 2, arbitrary: fc.constantFrom('restore', 'undo') },
  { weight: 2, arbitrary: fc.constantFrom('truncate', 'keep', 'keep little', 'compact', 'rename', 'drop') },
)
/** Which of the times so far, and how many ticks beside it; or one that is yet to come. */
const moment = fc.record({ which: fc.nat(), ticks: fc.constantFrom(-1n, 0n, 1n), isAhead: fc.boolean() })
const rounds = fc.array(fc.tuple(step, fc.nat(), fc.array(moment, { maxLength: 5 })), { maxLength: 30 })

function outcomeOf(read: () => unknown): unknown {
  let found: unknown
  const refused = refusal(() => (found = read()))
  return refused === undefined ? { found } : { refused: refused.code }
}

test('a get as of a time says what it would if nothing had been asked before', () => {
  const outcomes = new Set<string>()
  const done = new Set<string>()
  holds(
    fc.property(rounds, (script) => {
      const clock = new StandingClock()
      const db = openDatabase({ files: new MemoryFiles(), clock, checksum: crc32 }, { geometry: 'miniature' })
      db.createKeyspace('k')
      const table = db.createTable<string, number>('k.t', { keep: 'forever' })
      const times = [table.put('a', 0).time]
      const restores: string[] = []
      const steps: Record<string, (which: number) => void> = {
        put: () => times.push(table.put('a', times.length).time),
        delete: () => times.push(table.delete('a').time),
        wait: () => clock.advance(1000),
        truncate: () => db.truncate(table.name),
        restore: (which) => {
          const [, name] = table.name.split('.')
          restores.push(db.restoreSync('k', { table: name, to: times[which % times.length]! }).id)
        },
        undo: (which) => void db.undoSync(restores[which % restores.length] ?? 'restore-0'),
        keep: () => db.setRetention('forever', { table: table.name }),
        'keep little': () => db.setRetention(500, { table: table.name }),
        compact: () => db.compact(),
        rename: () => db.renameTable(table.name, table.name === 'k.t' ? 'u' : 't'),
        drop: () => db.dropTable(table.name),
      }
      for (const [name, which, asked] of script) {
        if (refusal(() => steps[name]!(which)) === undefined) done.add(name)
        for (const { which: near, ticks, isAhead } of asked) {
          const time = isAhead ? times.at(-1)! + (1n << 40n) : times[near % times.length]! + ticks
          const answer = outcomeOf(() => table.get('a', { asOf: time }))
          expect(answer).toEqual(outcomeOf(() => table.getMany(['a'], { asOf: time })[0]))
          outcomes.add(String(Object.values(answer as object)[0]))
        }
      }
      db.close()
    }),
    100,
  )
  for (const each of ['undefined', '0', '1', 'FUTURE_TIME', 'HISTORY_GONE', 'UNKNOWN_TABLE'])
    expect(outcomes).toContain(each)
  expect(done.size, [...done].join()).toBe(11)
})
