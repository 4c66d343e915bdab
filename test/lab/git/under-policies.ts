/**
 * Histories that prove themselves, under every policy: every commit's tree has the id that git recorded,
 * with runs side by side in several levels, and after the policy was changed.
 */
import { expect } from 'vitest'
import { crc32 } from '../../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../../src/database/database.ts'
import { type GitCommit } from '../../../src/lab/git/history.ts'
import { importHistory } from '../../../src/lab/git/import.ts'
import { verifyHistory } from '../../../src/lab/git/verify.ts'
import { GEOMETRIES } from '../../../src/storage/geometry.ts'
import { MemoryFiles } from '../../../src/storage/memory-files.ts'
import { type PolicyName } from '../../../src/storage/policy.ts'
import { ReplayClock } from '../../../src/time/replay-clock.ts'

export interface Imported {
  readonly database: Database
  /** Closes the database and opens it under another policy. */
  readonly reopen: (policy: PolicyName) => Database
  /** The most runs that any level had during the import: of level 0, and of the others. */
  readonly most: readonly [level0: number, below: number]
}

/** A history imported under a policy, in memory. */
export function imported(policy: PolicyName, commits: Iterable<GitCommit>, keep: string): Imported {
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
export function proved(database: Database): { commits: number; matched: number; unreadable: number } {
  const found = verifyHistory(database)
  expect(found.mismatched).toBe(0)
  expect(database.check().flatMap(({ faults }) => faults)).toEqual([])
  const { commits, matched, unreadable } = found
  return { commits, matched, unreadable }
}

/** More than a level of leveling, in runs; how many differ shows that the policies do. */
export function expectLayout(policy: PolicyName, [level0, below]: Imported['most']): void {
  const { level0Tables } = GEOMETRIES.tiny
  if (policy === 'tiered') expect([level0 > level0Tables, below]).toEqual([true, 0])
  else if (policy === 'lazy-leveled') expect([level0 <= level0Tables, below > 1]).toEqual([true, true])
  else expect([level0 <= level0Tables, below]).toEqual([true, 1])
}
