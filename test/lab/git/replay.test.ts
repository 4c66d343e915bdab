/**
 * Replays of histories: every pass proves itself, times go on rising, joins are exact, and what was
 * planned is what comes.
 */
import { describe, expect, test } from 'vitest'
import { bytesOfText } from '../../../src/base/bytes.ts'
import { type ReplayClock, open } from '../../../src/index.ts'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { readGitLogFile } from '../../../src/lab/git/gitlog.ts'
import { type GitCommit, type GitEntry, SECONDS_MAX } from '../../../src/lab/git/history.ts'
import { importHistory } from '../../../src/lab/git/import.ts'
import { byteTextOf } from '../../../src/lab/git/quoting.ts'
import { type ReplayPlan, filesAfter, planReplay, replayHistory } from '../../../src/lab/git/replay.ts'
import { treeId } from '../../../src/lab/git/tree-id.ts'
import { importedCommits, verifyHistory } from '../../../src/lab/git/verify.ts'
import { SEEDS, replayed, trace } from './replay.ts'

/** A replay of three passes: of a row more than two have, which is a row more than one has. */
function threeTimes(commits: readonly GitCommit[]): readonly GitCommit[] {
  const rowsOf = (plan: ReplayPlan) => plan.commits + plan.changes
  const twice = planReplay(commits, rowsOf(planReplay(commits, 0)) + 1)
  const plan = planReplay(commits, rowsOf(twice) + 1)
  expect([twice.passes, plan.passes]).toEqual([2, 3])
  return [...replayHistory(commits, plan)]
}

/** The tree after each commit is the one that it names, by a plain map that refuses to delete what is not there. */
function expectProved(commits: Iterable<GitCommit>): void {
  for (const [commit, files] of replayed(commits)) expect(treeId(files.values()), commit.id).toBe(commit.tree)
}

describe.each(SEEDS)('a replay (seed %i)', (seed) => {
  const commits = [...generateHistory({ seed, commits: 80, files: 40 })]
  const all = threeTimes(commits)
  const passes = 3

  test('proves itself in every pass, by the trees of the history', () => {
    expectProved(all)
    const trees = commits.map(({ tree }) => tree)
    expect(all.map(({ tree }) => tree)).toEqual(Array.from({ length: passes }, () => trees).flat())
  })

  test('begins with the history itself', () => {
    expect(all.slice(0, commits.length)).toEqual(commits)
  })

  test('never has an id twice', () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  })

  test('keeps the times between commits, and every pass is later than the one before', () => {
    const period = all[commits.length]!.seconds - all[0]!.seconds
    const seconds = (pass: number) =>
      all.slice(pass * commits.length, (pass + 1) * commits.length).map((commit) => commit.seconds)
    for (let pass = 1; pass < passes; pass++) {
      expect(seconds(pass)).toEqual(seconds(0).map((second) => second + pass * period))
      expect(Math.min(...seconds(pass))).toBeGreaterThan(Math.max(...seconds(pass - 1)))
    }
  })

  test('joins passes by changing exactly the paths that differ, each once', () => {
    const [last, first] = [filesAfter(commits), filesAfter(commits.slice(0, 1))]
    const held = (file: GitEntry | undefined) => file && `${file.mode} ${file.object}`
    const paths = new Set([...last.keys(), ...first.keys()])
    const differing = [...paths].filter((path) => held(last.get(path)) !== held(first.get(path)))
    const { changes } = all[commits.length]!
    expect(changes.map(({ path }) => byteTextOf(path)).toSorted()).toEqual(differing.toSorted())
    expect(changes.length).toBeGreaterThan(0)
  })

  test('is in a database what it is as data, at times that strictly rise', () => {
    const inMemory = (clock: ReplayClock) => open({ memory: true }, { clock, geometry: 'tiny' })
    using database = importHistory(inMemory, all).database
    const found = importedCommits(database)
    expect(found.map(({ id }) => id)).toEqual(all.map(({ id }) => id))
    expect(found.every(({ time }, i) => i === 0 || time > found[i - 1]!.time)).toBe(true)
    expect(verifyHistory(database)).toMatchObject({ commits: all.length, matched: all.length })
  })
})

describe('a plan', () => {
  const commits = [...generateHistory({ seed: 4, commits: 50, files: 20 })]
  const rows = ({ commits: count, changes }: { commits: number; changes: number }) => count + changes

  test.each([0, 1, 300, 301, 1_000, 12_345])(
    'of %i rows has as many passes as that takes, whole ones',
    (min) => {
      const plan = planReplay(commits, min)
      const all = [...replayHistory(commits, plan)]
      const changes = all.reduce((sum, commit) => sum + commit.changes.length, 0)
      expect(all.length).toBe(plan.passes * commits.length)
      expect(plan).toMatchObject({ commits: all.length, changes, squeeze: 1 })
      expect(rows(plan)).toBeGreaterThanOrEqual(min)
      const lastPass = all.slice(-commits.length)
      const less =
        rows(plan) - rows({ commits: lastPass.length, changes: lastPass.flatMap((c) => c.changes).length })
      if (plan.passes > 1) expect(less).toBeLessThan(min)
      const seconds = all.map((commit) => commit.seconds)
      expect(plan.spanSeconds).toBe(Math.max(...seconds) - Math.min(...seconds))
    },
  )

  test('is carried out while it is read', () => {
    const plan = planReplay(commits, 1e12)
    const replay = replayHistory(commits, plan)
    for (let i = 0; i < 120; i++) expect(replay.next().done).toBe(false)
    expect(plan.commits).toBeGreaterThan(1e9)
  })

  test('of a history without commits is refused', () => {
    expect(() => planReplay([], 10)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

describe('a replay that would last too long is squeezed', () => {
  const commitAt = (id: number, seconds: number): GitCommit => {
    const file: GitEntry = { path: bytesOfText('a'), mode: '100644', object: `${id}`.repeat(40) }
    const changes = [{ kind: 'set' as const, ...file }]
    return { id: `${id}`.repeat(40), tree: treeId([file]), seconds, changes }
  }

  test.each([
    ['a long history', [0, 1_000_000_000, 1_000_000_000, 2_000_000_000, 1_999_999_000, 3_000_000_000]],
    ['a history that ends with the last second', [SECONDS_MAX - 500, SECONDS_MAX - 100, SECONDS_MAX]],
    ['a history within the last seconds', [SECONDS_MAX - 3, SECONDS_MAX - 1]],
    ['a history of the last second alone', [SECONDS_MAX, SECONDS_MAX]],
  ])('%s', (_what, seconds) => {
    const commits = seconds.map((second, i) => commitAt(i + 1, second))
    const plan = planReplay(commits, 40)
    const all = [...replayHistory(commits, plan)]
    expectProved(all)
    expect(all.length).toBe(plan.commits)
    const times = all.map((commit) => commit.seconds)
    expect(Math.max(...times)).toBeLessThanOrEqual(SECONDS_MAX)
    expect(plan.spanSeconds).toBe(Math.max(...times) - Math.min(...times))
    // What rises in the history never falls in the replay.
    for (let i = 1; i < commits.length; i++)
      if (seconds[i]! >= seconds[i - 1]!) expect(times[i]).toBeGreaterThanOrEqual(times[i - 1]!)
    for (let pass = 1; pass < plan.passes; pass++) {
      const at = pass * commits.length
      const [earlier, later] = [times.slice(at - commits.length, at), times.slice(at, at + commits.length)]
      expect(Math.min(...later)).toBeGreaterThan(Math.max(...earlier))
    }
  })
})

const { path, present } = trace('abstract-level')
test.skipIf(!present)('the trace abstract-level, three times over, proves itself in every pass', () => {
  const commits = [...readGitLogFile(path)]
  expectProved(threeTimes(commits))
})
