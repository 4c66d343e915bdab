import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { open } from '../../../src/index.ts'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { FILES_TABLE } from '../../../src/lab/git/tables.ts'
import { filesAfter, replayHistory } from '../../../src/lab/git/replay.ts'
import { importedCommits, verifyCommits, verifyHistory } from '../../../src/lab/git/verify.ts'
import { filesStats, reopen } from '../../../src/lab/main-job/databases.ts'
import { type PolicyReport, areProved, weighPolicy } from '../../../src/lab/main-job/policy-report.ts'
import { type Weighing, weigh } from '../../../src/lab/main-job/weigh.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-test-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const commits = [...generateHistory({ seed: 8, commits: 150, files: 60 })]
let weighing: Weighing
beforeAll(() => {
  weighing = weigh({ commits, directory: scratch, rowsMin: 2_500, seed: 1, onProgress: () => undefined })
}, 60_000)
const reports = () => weighing.windows.flatMap(({ policies }) => policies)

describe('policies and windows, weighed', () => {
  test('are proved, each by a sample of commits, and by refusals of what is not kept', () => {
    expect(weighing.windows.map(({ isProved }) => isProved)).toEqual([true, true, true])
    const { replay } = weighing
    expect(replay.passes).toBeGreaterThan(1)
    for (const { verified, refused, readableCommits } of reports()) {
      const sampled = Math.min(40, readableCommits)
      expect(verified).toMatchObject({ commits: sampled, matched: sampled, mismatched: 0, unreadable: 0 })
      const others = Math.min(40, replay.commits - readableCommits)
      expect(refused).toMatchObject({ commits: others, unreadable: others })
    }
  })

  test('say of every database what it says of itself', () => {
    for (const report of reports()) {
      using database = reopen(report.directory, { readOnly: true })
      const { versions, bytes, writeAmplification, memtable, totals, levels } = filesStats(database)
      expect(report).toMatchObject({ versions, bytes, writeAmplification, levels })
      expect(report.compactions).toBe(totals.compactions)
      expect(memtable.versions).toBe(0)
      expect(database.policy.name).toBe(report.policy)
      expect(report.spaceAmplification).toBe(bytes / weighing.newest.bytes)
      const written = totals.flushedBytes + totals.compactionWrittenBytes
      expect(writeAmplification).toBeCloseTo(written / totals.flushedBytes, 10)
    }
  })

  test('say how much space there was at most, which is more than was left where a merge came last', () => {
    const rises = reports().map((report) => report.spaceAmplificationMost / report.spaceAmplification)
    expect(Math.min(...rises)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...rises)).toBeGreaterThan(1.1)
  })

  test('say how many commits can be read, which is how many are', () => {
    for (const { policies } of weighing.windows) {
      using database = open(policies[1]!.directory, { readOnly: true })
      const found = verifyHistory(database)
      expect(found).toMatchObject({ commits: weighing.replay.commits, mismatched: 0 })
      expect(found.matched).toBe(policies[1]!.readableCommits)
    }
    const counts = weighing.windows.map(({ policies }) => policies[0]!.readableCommits)
    expect(counts).toEqual([...counts].toSorted((a, b) => a - b))
    expect(counts.at(-1)).toBe(weighing.replay.commits)
  })

  test('need as many versions as any of their policies has after a full compaction', () => {
    for (const { least, policies } of weighing.windows) {
      for (const { directory, versions } of policies) {
        expect(versions).toBeGreaterThanOrEqual(least.versions)
        cpSync(directory, `${directory}.copy`, { recursive: true })
        using database = reopen(`${directory}.copy`)
        database.compact(FILES_TABLE)
        expect(filesStats(database).versions).toBe(least.versions)
      }
    }
  })

  test('keep every version of all of the span, and at least one of each file of any window', () => {
    const [one, ten, all] = weighing.windows
    for (const { versions } of all!.policies) expect(versions).toBe(weighing.replay.changes)
    expect(one!.least.versions).toBeLessThan(ten!.least.versions)
    expect(ten!.least.versions).toBeLessThan(all!.least.versions)
    expect(weighing.newest.versions).toBe(filesAfter(commits).size)
    expect(one!.least.versions).toBeGreaterThanOrEqual(weighing.newest.versions)
  })

  test('differ as policies do: leveling writes most, and every policy reads at least a block', () => {
    const [leveled, tiered, lazy] = weighing.windows.at(-1)!.policies
    expect(leveled!.writeAmplification).toBeGreaterThan(lazy!.writeAmplification)
    expect(leveled!.writeAmplification).toBeGreaterThan(tiered!.writeAmplification)
    expect(Math.max(...tiered!.levels.map(({ runs }) => runs))).toBeGreaterThan(1)
    for (const { now, past } of reports()) {
      expect(now.blocks).toBeGreaterThanOrEqual(1)
      expect(past.blocks).toBeGreaterThanOrEqual(1)
    }
  })
})

test('the same seed gives the same numbers, synced or not, another seed other samples', () => {
  const { replay, newest } = weighing
  const report = weighing.windows[1]!.policies[1]!
  const keep = Math.floor(replay.spanSeconds * 1_000_000 * 0.1)
  const again = (seed: number) => {
    const directory = join(scratch, `again-${seed}`)
    const plan = { directory, syncs: true, policy: report.policy, keep, seed, newestBytes: newest.bytes }
    return { ...weighPolicy(plan, replayHistory(commits, replay)), directory: report.directory }
  }
  expect(again(1)).toEqual(report)
  const other = again(2)
  expect(other.past.answers).not.toBe(report.past.answers)
  expect(other.versions).toBe(report.versions)
})

describe('policies are not proved', () => {
  type Change = (report: PolicyReport) => PolicyReport
  const cases: readonly (readonly [what: string, change: Change])[] = [
    [
      'by a tree that differs',
      (r) => ({ ...r, verified: { ...r.verified, matched: r.verified.matched - 1 } }),
    ],
    [
      'by an answer where there has to be none',
      (r) => ({ ...r, refused: { ...r.refused, unreadable: 0, commits: 1 } }),
    ],
    ['by other answers as of now', (r) => ({ ...r, now: { ...r.now, answers: 'other' } })],
    ['by other answers as of the past', (r) => ({ ...r, past: { ...r.past, answers: 'other' } })],
    ['by other times that can be read', (r) => ({ ...r, readableCommits: r.readableCommits + 1 })],
  ]

  test.each(cases)('%s', (_what, change) => {
    const { policies } = weighing.windows[1]!
    expect(areProved(policies)).toBe(true)
    expect(areProved([policies[0]!, change(policies[1]!), policies[2]!])).toBe(false)
  })

  test('by a history that lies', () => {
    const lies = commits.slice(0, 10).map((commit) => ({ ...commit, tree: 'f'.repeat(40) }))
    const directory = join(scratch, 'lies')
    const { windows } = weigh({ commits: lies, directory, rowsMin: 0, seed: 1, onProgress: () => undefined })
    expect(windows.map(({ isProved }) => isProved)).toEqual([false, false, false])
  })

  test('and commits that were chosen are verified one by one', () => {
    using database = open(reports()[0]!.directory, { readOnly: true })
    const known = importedCommits(database)
    const wrong = { ...known.at(-1)!, tree: 'f'.repeat(40) }
    expect(verifyCommits(database, [known[0]!, wrong, known.at(-1)!])).toMatchObject({
      ...{ commits: 3, matched: 1, mismatched: 1, unreadable: 1 },
      firstMismatch: { commit: wrong.id, expected: wrong.tree, found: known.at(-1)!.tree },
    })
  })
})
