/**
 * After a sync that failed, what was not durable never will be, whatever a later sync says; and still a new process reads
 * it, until the power is cut. So a process that opens what one has left which met such a failure must not take it for
 * durable, and must not act on it before it has written it anew.
 *
 *     run 1   works until a sync fails ──▶ killed
 *     run 2   opens what it left, and some sync of its own may fail ──▶ killed
 *     run 3   opens, shows what is there, works ──▶ killed, and the power is cut
 *     run 4   has all that was promised, and all that was shown
 */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { CRASH_MODELS, type CrashModel } from '../../src/simulator/crash-models.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { type ErrorFault } from '../../src/simulator/fault-plan.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

/** A sync that fails: the how manyth of its kind. */
type Place = readonly [operation: 'sync' | 'syncDirectory', nth: number]
/** What run 3 does besides showing what is there. */
const DEEDS = ['nothing', 'a commit', 'a flush', 'a close'] as const
type Deed = (typeof DEEDS)[number]

const TABLE = 'k.t'
const POWER_CUTS = CRASH_MODELS.filter((model) => model !== 'process-kill')

function open(files: FaultFiles): Database {
  const clock = new ReplayClock({ micros: 1_000_000, leadMicros: 1000 })
  return openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature' })
}

const failing = ([operation, nth]: Place): ErrorFault => ({ kind: 'error', operation, nth, errno: 'EIO' })

/** Runs what may meet a failure of the disk; whether it met none. */
function succeeds(work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof PalimpsestError && ['IO_FAILED', 'STORE_FAILED'].includes(error.code)) return false
    throw error
  }
}

/** Run 1: commits, flushes, merges, closes that begin the log anew and others, openings. What was promised of it. */
function workUntilFailure(files: FaultFiles): {
  readonly promised: readonly string[]
  readonly hasFailed: boolean
} {
  const promised: string[] = []
  const work = () => {
    for (let turn = 0; turn < 2; turn++) {
      const db = open(files)
      if (!db.keyspaces.includes('k')) db.createKeyspace('k')
      if (!db.tables.includes(TABLE)) db.createTable(TABLE, { keep: 'forever', values: 'text' })
      for (let i = 0; i < 24; i++) {
        const key = `key ${turn} ${i}`
        const isDurable = i % 2 === 0
        db.table(TABLE).put(key, 'v'.repeat(40), { durability: isDurable ? 'disk' : 'os' })
        if (isDurable) promised.push(key)
      }
      if (turn === 0) db.compact()
      db.close()
    }
  }
  return { hasFailed: !succeeds(work), promised }
}

const keysIn = (db: Database): readonly string[] =>
  db.tables.includes(TABLE) ? Array.from(db.table<string, string>(TABLE).scan(), ({ key }) => key) : []

/** Run 3: what it was shown, and promised. */
function live(files: FaultFiles, deed: Deed): readonly string[] {
  const db = open(files)
  const shown = keysIn(db)
  const isThere = db.tables.includes(TABLE)
  if (!isThere) return shown
  if (deed === 'a flush') db.flush()
  if (deed === 'a commit') db.table(TABLE).put('more', 'x', { durability: 'disk' })
  if (deed === 'a close') db.close()
  return deed === 'a commit' ? [...shown, 'more'] : shown
}

/** Run 4, after the cut. */
function expectAll(files: FaultFiles, promised: readonly string[], what: string): void {
  const db = (() => {
    try {
      return open(files)
    } catch (error) {
      throw new Error(what, { cause: error })
    }
  })()
  const keys = keysIn(db)
  expect(
    promised.filter((key) => !keys.includes(key)),
    what,
  ).toEqual([])
  expect(
    db.check().flatMap(({ faults }) => faults),
    what,
  ).toEqual([])
  db.createKeyspace('more')
  db.close()
}

function replayOf(place: Place, second: Place | undefined, deed: Deed, model: CrashModel): string {
  const line = JSON.stringify([place, second ?? null, deed, model])
  return `replay: PALIMPSEST_PLACE='${line}' npx vitest run test/crash/failed-sync.test.ts`
}

/** Runs 2 to 4 on what run 1 has left. Whether the second failure was met, if there is one. */
function checkAfter(
  left: FaultFiles,
  promised: readonly string[],
  [place, second, deed, model]: readonly [Place, Place | undefined, Deed, CrashModel],
): boolean {
  const random = seededRandom(place[1])
  let files = left.crash('process-kill', random, { plan: second === undefined ? [] : [failing(second)] })
  let hasFailed = false
  if (second !== undefined) {
    const attempt = files
    hasFailed = !succeeds(() => {
      open(attempt)
    })
    files = attempt.crash('process-kill', random)
  }
  const what = replayOf(place, second, deed, model)
  const shown = live(files, deed)
  expect(
    promised.filter((key) => !shown.includes(key)),
    what,
  ).toEqual([])
  expectAll(files.crash(model, random), [...promised, ...shown], what)
  return hasFailed
}

const ASKED = process.env['PALIMPSEST_PLACE']

test.runIf(ASKED !== undefined)('the one that was asked for', () => {
  const [place, second, deed, model] = JSON.parse(ASKED!) as [Place, Place | null, Deed, CrashModel]
  const files = new FaultFiles({ plan: [failing(place)] })
  const { promised } = workUntilFailure(files)
  checkAfter(files, promised, [place, second ?? undefined, deed, model])
})

test.each(['sync', 'syncDirectory'] as const)(
  'after any %s that failed, an opening relies on nothing that a power cut takes',
  (operation) => {
    let places = 0
    for (let nth = 1; ; nth++, places++) {
      const files = new FaultFiles({ plan: [failing([operation, nth])] })
      const { promised, hasFailed } = workUntilFailure(files)
      if (!hasFailed && files.count(operation) < nth) break
      for (const [i, model] of POWER_CUTS.entries()) {
        const deed = DEEDS[(nth + i) % DEEDS.length]!
        checkAfter(files, promised, [[operation, nth], undefined, deed, model])
      }
    }
    expect(places).toBeGreaterThan(operation === 'sync' ? 60 : 20)
  },
)

test('nor does it after a second failure, which the opening after the first one meets', () => {
  let met = 0
  for (let nth = 1; ; nth += 4) {
    const files = new FaultFiles({ plan: [failing(['sync', nth])] })
    const { promised, hasFailed } = workUntilFailure(files)
    if (!hasFailed && files.count('sync') < nth) break
    for (const operation of ['sync', 'syncDirectory'] as const) {
      for (let again = 1; ; again++) {
        const deed = DEEDS[(nth + again) % DEEDS.length]!
        const model = POWER_CUTS[(nth + again) % POWER_CUTS.length]!
        if (!checkAfter(files, promised, [['sync', nth], [operation, again], deed, model])) break
        met++
      }
    }
  }
  expect(met).toBeGreaterThan(80)
})
