/**
 * The write-ahead monitor: silent on what the engine does, and loud on every order that breaks a rule. The
 * wrong orders are made from a right one: the calls of a workload, with some left out or moved. Laws 1, 4, 5
 * and 6 stand on these rules across a power cut.
 */
import { describe, expect, test } from 'vitest'
import { copyOf } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { openDatabase } from '../../src/database/database.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type FileSystem } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { POLICY_NAMES, type PolicyName } from '../../src/storage/policy.ts'
import { RECORD_HEADER_BYTES } from '../../src/storage/record-file.ts'
import { WriteAheadMonitor } from '../../src/testing/write-ahead/monitor.ts'
import { ORDER_RULES, type OrderRule } from '../../src/testing/write-ahead/rules.ts'
import { type WatchedCall, WatchedFiles } from '../../src/testing/write-ahead/watched-files.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

/** The calls of a workload in which everything happens that has an order. */
function callsOf(policy: PolicyName): readonly WatchedCall[] {
  const calls: WatchedCall[] = []
  const files = new WatchedFiles(new MemoryFiles(), (call) => {
    calls.push(call.did === 'append' ? { ...call, bytes: copyOf(call.bytes) } : call)
  })
  const clock = new ReplayClock({ micros: 1_000_000, leadMicros: 20 })
  const open = () => openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature', policy })
  let db = open()
  db.createKeyspace('k')
  db.createTable('k.t', { values: 'text', keep: 'forever' })
  db.createTable('k.gone', { values: 'text', keep: 10 })
  for (let i = 0; i < 60; i++) {
    clock.advance(i % 3)
    const table = i < 30 ? 'k.gone' : 'k.t'
    const durability = (['none', 'os', 'disk'] as const)[i % 3]
    db.batch([{ type: 'put', table, key: `${i % 7}`, value: '·'.repeat(40 + i) }], { durability })
    if (i === 30) db.dropTable('k.gone')
    if (i % 20 === 10) db.compact()
    if (i % 25 === 24) {
      db.close()
      db = open()
    }
  }
  db.compact()
  db.close()
  return calls
}

/** The rules that some calls break, in a directory that is new. */
function broken(calls: readonly WatchedCall[]): readonly OrderRule[] {
  const monitor = new WriteAheadMonitor(new MemoryFiles(), crc32)
  for (const call of calls) monitor.tell(call)
  return brokenIn(monitor)
}

function brokenIn({ faults }: WriteAheadMonitor): readonly OrderRule[] {
  return [...new Set(faults.map(({ rule }) => rule))].toSorted()
}

// First, so that a fault of the engine is told as what it is.
test.each(POLICY_NAMES)('the engine breaks no rule of order (%s)', (policy) => {
  expect(broken(callsOf(policy))).toEqual([])
})

const CALLS = callsOf('leveled')

type CallTest = (call: WatchedCall) => boolean

const is =
  (did: WatchedCall['did'], path: RegExp): CallTest =>
  (call) =>
    call.did === did && path.test(call.path)
const textIn = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const says =
  (text: string): CallTest =>
  (call) =>
    call.did === 'append' && textIn(call.bytes).includes(text)

const [syncsLog, syncsNames] = [is('sync', /\.log$/), is('syncDirectory', /^$/)]
const writesEdit = is('append', /^MANIFEST$/)
/** The kind of the first record in what is appended to the log. */
const recordKind = (call: WatchedCall) =>
  call.did === 'append' && call.path.endsWith('.log') ? call.bytes[RECORD_HEADER_BYTES] : undefined
const writesCommit: CallTest = (call) => recordKind(call) === 1
const writesCeiling: CallTest = (call) => recordKind(call) === 2

/** The calls without those of a kind; if more is said, only those right behind one of another kind. */
function without(what: CallTest, behind: CallTest = () => true): readonly WatchedCall[] {
  return CALLS.filter((call, i) => i === 0 || !what(call) || !behind(CALLS[i - 1]!))
}

/** The calls with the first one of a kind that comes behind one of another kind made before it. */
function early(what: CallTest, before: CallTest): readonly WatchedCall[] {
  const at = CALLS.findIndex((call, i) => what(call) && CALLS.slice(0, i).some(before))
  const to = CALLS.slice(0, at).findLastIndex(before)
  return CALLS.toSpliced(at, 1).toSpliced(to, 0, CALLS[at]!)
}

/** A segment gets a later commit right before it goes, which no table has. */
function withLateCommit(): readonly WatchedCall[] {
  const gone = CALLS.findIndex(is('remove', /\.log$/))
  const commit = CALLS.slice(gone).find(writesCommit)!
  return CALLS.toSpliced(gone, 0, { ...commit, path: CALLS[gone]!.path })
}

/** Whether the log is synced for an edit, and once more before it goes on in another segment. */
function isSyncBeforeEdit(call: WatchedCall, i: number): boolean {
  if (!syncsLog(call) || !writesEdit(CALLS[i + 1]!)) return false
  const next = CALLS.slice(i + 1).find((other) => syncsLog(other) || is('create', /\.log$/)(other))
  return next?.did === 'sync'
}

/** Wrong orders, and every rule that each of them breaks. */
const WRONG: readonly (readonly [what: string, calls: () => readonly WatchedCall[], broken: OrderRule[]])[] =
  [
    ['ceilings are not synced', () => without(syncsLog, writesCeiling), ['ceiling before time']],
    [
      'a segment is created before the last one is synced',
      () => early(is('create', /\.log$/), syncsLog),
      ['segment before successor'],
    ],
    ['tables are not synced', () => without(is('sync', /\.table$/)), ['tables before edit']],
    [
      'names of tables are not synced',
      () => without(syncsNames, is('sync', /\.table$/)),
      ['tables before edit'],
    ],
    [
      'once the log is not synced before an edit',
      () => CALLS.toSpliced(CALLS.findIndex(isSyncBeforeEdit), 1),
      ['log before edit', 'synced before said'],
    ],
    [
      'the commit that frees tablets is not synced',
      () => without(syncsLog, says('freed/')),
      ['catalog before edit', 'freed before removed', 'synced before said'],
    ],
    [
      'a tree is removed before its tablet is freed',
      () => early(says('"removeTrees":['), says('freed/')),
      ['freed before removed', 'synced before said'],
    ],
    [
      'the name of the first segment is not synced before a manifest needs it',
      () => CALLS.toSpliced(CALLS.findIndex(syncsNames), 1),
      ['segment before edit'],
    ],
    [
      'a new manifest is not synced before it takes the name',
      () => without(is('sync', /^MANIFEST\.new$/)),
      ['manifest before name'],
    ],
    [
      'a segment that is repeated is not synced before it takes the name',
      () => without(is('sync', /^LOG\.new$/)),
      ['segment before name'],
    ],
    [
      'a table is removed before the edit',
      () => early(is('remove', /\.table$/), writesEdit),
      ['edit before unlink'],
    ],
    [
      'edits are not synced',
      () => without(is('sync', /^MANIFEST$/)),
      ['edit before segment goes', 'edit before unlink', 'tables before segment goes'],
    ],
    ['a segment goes with a commit that no table has', withLateCommit, ['tables before segment goes']],
  ]

describe('a wrong order breaks its rules, and no other:', () => {
  test.each(WRONG)('%s', (_, calls, rules) => {
    expect(broken(calls())).toEqual(rules)
  })

  test('every rule is broken by one of them', () => {
    const all = new Set(WRONG.flatMap(([, , rules]) => rules))
    expect([...all].toSorted()).toEqual(Object.keys(ORDER_RULES).toSorted())
  })
})

test('a fault says which call broke which rule', () => {
  const monitor = new WriteAheadMonitor(new MemoryFiles(), crc32)
  for (const call of early(is('remove', /\.table$/), writesEdit)) monitor.tell(call)
  expect(() => {
    monitor.assertInOrder()
  }).toThrow(
    /^out of order: 0\d+\.table is removed; the rule: a table goes once an edit without it is durable$/,
  )
})

describe('after a crash', () => {
  /** What a process left that wrote, and was killed; another one opens it, writes it down and merges it. */
  function recoverFrom(hears: CallTest): readonly OrderRule[] {
    const clock = new ReplayClock({ micros: 1_000_000, leadMicros: 20 })
    const world = (files: FileSystem) => ({ files, clock, checksum: crc32 })
    const files = new FaultFiles()
    const db = openDatabase(world(files), { geometry: 'tiny' })
    db.createKeyspace('k')
    const table = db.createTable('k.t', { values: 'text' })
    table.put('a', 'written down')
    db.flush()
    table.put('a', 'handed over, not synced')
    const left = files.crash('process-kill', seededRandom(1))
    const monitor = new WriteAheadMonitor(left, crc32)
    const watched = new WatchedFiles(left, (call) => {
      if (hears(call)) monitor.tell(call)
    })
    openDatabase(world(watched)).compact()
    return brokenIn(monitor)
  }

  test('a new process makes durable what it has read before it relies on it', () => {
    expect(recoverFrom(() => true)).toEqual([])
  })

  test('the segment that a manifest begins with is taken for durable: the manifest was named after it', () => {
    const clock = new ReplayClock({ micros: 1_000_000 })
    const files = new FaultFiles()
    openDatabase({ files, clock, checksum: crc32 })
    const monitor = new WriteAheadMonitor(files.crash('process-kill', seededRandom(1)), crc32)
    // Another policy is written down, in a new manifest, before the log is opened.
    openDatabase({ files: monitor.files, clock, checksum: crc32 }, { policy: 'tiered' }).close()
    expect(brokenIn(monitor)).toEqual([])
  })

  test.each([
    ['the log', (call: WatchedCall) => syncsLog(call) || is('rename', /^LOG\.new$/)(call), 'log before edit'],
    ['the segment that it repeats', is('sync', /^LOG\.new$/), 'segment before name'],
    ['that it repeats it', is('rename', /^LOG\.new$/), 'segment before successor'],
    ['a table', is('sync', /\.table$/), 'tables before edit'],
    ['the manifest', is('sync', /^MANIFEST$/), 'edit before unlink'],
  ] as const)('or it would be found: %s', (_, isMissed, rule) => {
    expect(recoverFrom((call) => !isMissed(call))).toContain(rule)
  })
})

test('a file that was renamed while it was written to is known by its new name', () => {
  const calls: string[] = []
  const files = new WatchedFiles(new MemoryFiles(), ({ did, path }) => calls.push(`${did} ${path}`))
  const file = files.create('a')
  files.rename('a', 'b')
  file.append(Uint8Array.of(1))
  file.sync()
  file.close()
  expect(calls).toEqual(['create a', 'rename a', 'append b', 'sync b'])
})
