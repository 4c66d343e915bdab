/**
 * Never wrong data: whatever is done to the bytes of a directory, it is refused with a code that says so,
 * or it shows what it showed before, through some commit. Files that changed places are not among it: two
 * whole tables under each other's names are found by the check only.
 */
import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { concatBytes } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { type ErrorCode, PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { readWholeFile } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'
import { copyFiles, putFile } from '../storage/samples.ts'
import { HOUR, START, StandingClock } from './scratch.ts'

const files = new MemoryFiles()
const times: HybridTime[] = []
/** What the table showed as of each of the times. */
let history: string[] = []

const worldOf = (of: MemoryFiles, micros: number) => ({
  files: of,
  clock: new StandingClock(micros),
  checksum: crc32,
})
const shownAt = (db: Database, asOf: HybridTime) =>
  JSON.stringify(Array.from(db.table('k.t').scan({ asOf }), ({ key, value }) => [key, value]))

beforeAll(() => {
  const clock = new StandingClock()
  const db = openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature' })
  db.createKeyspace('k')
  const table = db.createTable('k.t')
  for (let i = 0; i < 60; i++) {
    clock.advance(1000)
    const { time } =
      i % 7 === 6 ? table.delete(`key ${i % 5}`) : table.put(`key ${i % 5}`, { i, text: 'x'.repeat(i) })
    times.push(time)
  }
  history = times.map((time) => shownAt(db, time))
  db.close()
})

const part = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
/** A change of one file; places are parts of its length, so that they fit every file. */
const mutation = fc.record({
  file: fc.nat(),
  at: part,
  how: fc.oneof(
    fc.record({ kind: fc.constant('set' as const), byte: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff) }),
    fc.record({ kind: fc.constant('flip' as const), bit: fc.nat({ max: 7 }) }),
    fc.record({ kind: fc.constantFrom('cut' as const, 'remove' as const, 'twice' as const) }),
    fc.record({
      kind: fc.constantFrom('delete' as const, 'repeat' as const),
      length: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({
      kind: fc.constant('append' as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    }),
  ),
})
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never

function apply(to: MemoryFiles, { file, at, how }: Mutation): void {
  const names = (to.list('') ?? []).toSorted()
  const name = names[file % names.length]!
  const bytes = readWholeFile(to, name)
  const place = Math.floor(at * bytes.length)
  if (how.kind === 'remove') return to.remove(name)
  if (how.kind === 'set' && bytes.length > 0) bytes[place] = how.byte
  if (how.kind === 'flip' && bytes.length > 0) bytes[place]! ^= 1 << how.bit
  const changed = {
    set: () => bytes,
    flip: () => bytes,
    cut: () => bytes.subarray(0, place),
    twice: () => concatBytes([bytes, bytes]),
    delete: (length = 0) => concatBytes([bytes.subarray(0, place), bytes.subarray(place + length)]),
    repeat: (length = 0) => concatBytes([bytes.subarray(0, place + length), bytes.subarray(place)]),
    append: () => concatBytes([bytes, 'bytes' in how ? how.bytes : new Uint8Array()]),
  }
  putFile(to, name, changed[how.kind]('length' in how ? how.length : undefined))
}

const DAMAGE: readonly ErrorCode[] = ['MANIFEST_CORRUPT', 'LOG_CORRUPT', 'TABLE_CORRUPT', 'NOT_A_DATABASE']

/** Runs an action that may meet the damage. Its answer, or the code with which it was refused. */
function attempt<T>(action: () => T): { answer: T } | { code: ErrorCode } {
  try {
    return { answer: action() }
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
    expect(DAMAGE).toContain(error.code)
    return { code: error.code }
  }
}

test.each([{ readOnly: true }, { readOnly: false }])(
  'a changed directory (%j) is refused, or tells the truth through some commit',
  ({ readOnly }) => {
    const met = new Map<string, number>()
    const note = (what: string) => void met.set(what, (met.get(what) ?? 0) + 1)
    holds(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const damaged = copyFiles(files)
        for (const each of mutations) apply(damaged, each)
        const options = { readOnly, create: false }
        const opened = attempt(() => openDatabase(worldOf(damaged, START + HOUR), options))
        if ('code' in opened) return note(opened.code)
        const db = opened.answer
        // The names are as old as the database; without them the log was cut before its first commits.
        if (!db.tables.includes('k.t')) return note('no table')
        const { newest } = db
        note(newest >= times.at(-1)! ? 'all' : 'a prefix')
        for (const [i, time] of times.entries()) {
          if (time > newest) break
          const read = attempt(() => shownAt(db, time))
          if ('code' in read) note(`read ${read.code}`)
          else expect(read.answer).toBe(history[i])
        }
        db.close()
      }),
      20,
    )
    // The damage was of every kind, and some of it harmed nothing.
    for (const what of ['MANIFEST_CORRUPT', 'LOG_CORRUPT', 'read TABLE_CORRUPT', 'all'])
      expect(met.get(what)).toBeGreaterThan(0)
  },
)
