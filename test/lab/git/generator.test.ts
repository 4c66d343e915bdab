import { describe, expect, test } from 'vitest'
import { textOfBytes } from '../../../src/base/bytes.ts'
import { generateContents, generateHistory } from '../../../src/lab/git/generator.ts'
import { GIT_MODES, type GitCommit } from '../../../src/lab/git/history.ts'
import { byteTextOf, needsQuotes } from '../../../src/lab/git/quoting.ts'
import { treeId } from '../../../src/lab/git/tree-id.ts'
import { replayed, SEEDS } from './replay.ts'

describe('a made-up history', () => {
  test.each(SEEDS)('proves itself: every tree id is that of its files (seed %i)', (seed) => {
    for (const files of [1, 3, 80]) {
      for (const [commit, tree] of replayed(generateHistory({ seed, commits: 120, files }))) {
        expect(treeId(tree.values()), commit.id).toBe(commit.tree)
      }
    }
  })

  test.each(SEEDS)('is the same for the same seed, and another for another (seed %i)', (seed) => {
    const history = [...generateHistory({ seed, commits: 50 })]
    expect([...generateHistory({ seed, commits: 50 })]).toEqual(history)
    expect([...generateHistory({ seed, commits: 20 })]).toEqual(history.slice(0, 20))
    expect([...generateHistory({ seed: seed + 1, commits: 50 })]).not.toEqual(history)
    expect(new Set(history.map(({ id }) => id)).size).toBe(50)
  })

  test.each(SEEDS)('changes only what changes, in the order of paths (seed %i)', (seed) => {
    const before = new Map<string, string>()
    for (const [{ changes }, tree] of replayed(generateHistory({ seed, commits: 200, files: 40 }))) {
      const paths = changes.map(({ path }) => byteTextOf(path))
      expect(paths).toEqual([...new Set(paths)].toSorted())
      for (const path of paths) {
        const file = tree.get(path)
        const now = file === undefined ? '' : `${file.mode} ${file.object}`
        expect(now).not.toBe(before.get(path) ?? '')
        before.set(path, now)
      }
    }
  })

  test('has all that real histories have', () => {
    const history = [...generateHistory({ seed: 1, commits: 1000 })]
    const sets = history.flatMap(({ changes }) => changes).filter((change) => change.kind === 'set')
    const steps = history.slice(1).map(({ seconds }, index) => seconds - history[index]!.seconds)
    expect(new Set(sets.map(({ mode }) => mode))).toEqual(new Set(GIT_MODES))
    expect(steps.some((step) => step < 0) && steps.includes(0)).toBe(true)
    expect(history.some(({ changes }) => changes.length === 0)).toBe(true)
    expect(history.slice(1).some(({ changes }) => changes.length > 30)).toBe(true)
    expect(renames(history)).toBeGreaterThan(10)
    expect(history.some((commit) => replacesByDirectory(commit, 'delete', 'set'))).toBe(true)
    expect(history.some((commit) => replacesByDirectory(commit, 'set', 'delete'))).toBe(true)
    expect(sets.some(({ path }) => needsQuotes(byteTextOf(path)))).toBe(true)
    expect(sets.some(({ path }) => path.includes(0xff))).toBe(true)
  })

  test('changes a few files often and most hardly ever', () => {
    const counts = new Map<string, number>()
    for (const { changes } of generateHistory({ seed: 1, commits: 2000, files: 500 })) {
      for (const { path } of changes) counts.set(byteTextOf(path), (counts.get(byteTextOf(path)) ?? 0) + 1)
    }
    const sorted = [...counts.values()].toSorted((a, b) => b - a)
    const share = sum(sorted.slice(0, Math.floor(sorted.length / 10))) / sum(sorted)
    expect(share).toBeGreaterThan(0.4)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(10)
  })

  test('grows to the size asked for, in directories of moderate size', () => {
    let last: readonly string[] = []
    for (const [, tree] of replayed(generateHistory({ seed: 1, commits: 500, files: 2000 })))
      last = [...tree.keys()]
    expect(last.length).toBeGreaterThan(1000)
    expect(last.length).toBeLessThanOrEqual(2100)
    const sizes = new Map<string, number>()
    for (const path of last) {
      const directory = path.slice(0, path.lastIndexOf('/') + 1)
      sizes.set(directory, (sizes.get(directory) ?? 0) + 1)
    }
    expect(Math.max(...sizes.values())).toBeLessThan(100)
  })

  test('begins when it is told to and never leaves the range of times', () => {
    expect(generateHistory({ seed: 1, commits: 1, startSeconds: 5 }).next().value).toMatchObject({
      seconds: 5,
    })
    const seconds = Array.from(
      generateHistory({ seed: 1, commits: 200, startSeconds: 0 }),
      (commit) => commit.seconds,
    )
    expect(Math.min(...seconds)).toBe(0)
  })

  test.each([
    ['a seed with a fraction', { seed: 0.5, commits: 1 }],
    ['a negative number of commits', { seed: 1, commits: -1 }],
    ['no files', { seed: 1, commits: 1, files: 0 }],
    ['a start that is no number', { seed: 1, commits: 1, startSeconds: NaN }],
    ['a start that is too late', { seed: 1, commits: 1, startSeconds: 1e12 }],
  ])('is refused for %s', (_, options) => {
    expect(() => generateHistory(options).next()).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })

  test('of no commits is empty', () => {
    expect([...generateHistory({ seed: 1, commits: 0 })]).toEqual([])
  })
})

describe('made-up contents', () => {
  test('are text, the same for the same object, another for another', () => {
    const objects = [...generateHistory({ seed: 1, commits: 1 })].flatMap(({ changes }) =>
      changes.map((change) => (change.kind === 'set' ? change.object : '')),
    )
    const texts = objects.map((object) => textOfBytes(generateContents(object)))
    expect(objects.map((object) => textOfBytes(generateContents(object)))).toEqual(texts)
    expect(new Set(texts).size).toBe(objects.length)
  })
})

/** How many commits put what one path held under another path. */
function renames(history: readonly GitCommit[]): number {
  const held = new Map<string, string>()
  let count = 0
  for (const { changes } of history) {
    const gone = changes.filter(({ kind }) => kind === 'delete').map(({ path }) => held.get(byteTextOf(path)))
    if (changes.some((change) => change.kind === 'set' && gone.includes(change.object))) count++
    for (const change of changes) if (change.kind === 'set') held.set(byteTextOf(change.path), change.object)
  }
  return count
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Whether a path changes in one way, and paths below it in another. */
function replacesByDirectory({ changes }: GitCommit, kind: string, below: string): boolean {
  const paths = (wanted: string) => {
    return changes.filter((change) => change.kind === wanted).map(({ path }) => byteTextOf(path))
  }
  return paths(kind).some((path) => paths(below).some((other) => other.startsWith(`${path}/`)))
}
