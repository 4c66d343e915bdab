/**
 * Histories that prove themselves, under every policy: every commit's tree has the id that git recorded,
 * with runs side by side in several levels, and after the policy was changed.
 */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../../src/database/database.ts'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { readGitLogFile } from '../../../src/lab/git/gitlog.ts'
import { type GitCommit } from '../../../src/lab/git/history.ts'
import { importHistory } from '../../../src/lab/git/import.ts'
import { verifyHistory } from '../../../src/lab/git/verify.ts'
import { GEOMETRIES } from '../../../src/storage/geometry.ts'
import { MemoryFiles } from '../../../src/storage/memory-files.ts'
import { POLICY_NAMES, type PolicyName } from '../../../src/storage/policy.ts'
import { ReplayClock } from '../../../src/time/replay-clock.ts'
import { trace } from './replay.ts'

interface Imported {
  readonly database: Database
  /** Closes the database and opens it under another policy. */
  readonly reopen: (policy: PolicyName) => Database
  /** The most runs that any level had during the import: of level 0, and of the others. */
  readonly most: readonly [level0: number, below: number]
}

function imported(policy: PolicyName, commits: Iterable<GitCommit>, keep: string): Imported {
  const world = { files: new MemoryFiles(), clock: new ReplayClock({ micros: 0 }), checksum: crc32 }
  const most: [number, number] = [0, 0]
  const look = (looked: Database) => {
    for (const { level, runs } of looked.stats().tables.flatMap(({ levels }) => levels))
      most[level === 0 ? 0 : 1] = Math.max(most[level === 0 ? 0 : 1], runs)
  }
  let opened: Database | undefined
  const { database } = importHistory(
    (clock) => (opened = openDatabase({ ...world, clock }, { geometry: 'tiny', policy })),
    commits,
    { keep, onProgress: (done) => done % 20 === 0 && look(opened!) },
  )
  look(database)
  const reopen = (other: PolicyName) => {
    database.close()
    return openDatabase(world, { policy: other })
  }
  return { database, reopen, most }
}

/** What every policy has to answer alike; no commit may be wrong, and no file at fault. */
function proved(database: Database) {
  const found = verifyHistory(database)
  expect(found.mismatched).toBe(0)
  expect(database.check().flatMap(({ faults }) => faults)).toEqual([])
  const { commits, matched, unreadable } = found
  return { commits, matched, unreadable }
}

/** More than a level of leveling, in runs; how many differ shows that the policies do. */
function expectLayout(policy: PolicyName, [level0, below]: Imported['most']): void {
  const { level0Tables } = GEOMETRIES.tiny
  if (policy === 'tiered') expect([level0 > level0Tables, below]).toEqual([true, 0])
  else if (policy === 'lazy-leveled') expect([level0 <= level0Tables, below > 1]).toEqual([true, true])
  else expect([level0 <= level0Tables, below]).toEqual([true, 1])
}

describe.each(POLICY_NAMES)('%s', (policy) => {
  test('every commit of a history is proved, then under each other policy in turn', () => {
    const commits = [...generateHistory({ seed: 11, commits: 900, files: 150 })]
    const { database, reopen, most } = imported(policy, commits, 'forever')
    expectLayout(policy, most)
    const all = { commits: 900, matched: 900, unreadable: 0 }
    expect(proved(database)).toEqual(all)
    for (const other of POLICY_NAMES.filter((name) => name !== policy)) {
      const changed = reopen(other)
      changed.flush()
      expect(proved(changed)).toEqual(all)
      changed.close()
    }
  })

  const { path, present } = trace('toydb')
  test.skipIf(!present).each(['forever', '365d'])('the trace toydb is proved, kept %s', (keep) => {
    const { database, reopen, most } = imported(policy, readGitLogFile(path), keep)
    if (keep === 'forever') expectLayout(policy, most)
    const before = proved(database)
    expect(before.unreadable > 0).toBe(keep === '365d')
    const next = POLICY_NAMES[(POLICY_NAMES.indexOf(policy) + 1) % POLICY_NAMES.length]!
    const changed = reopen(next)
    changed.compact()
    expect(proved(changed)).toEqual(before)
    changed.close()
  })
})
