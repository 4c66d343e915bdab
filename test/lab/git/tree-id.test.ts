import { describe, expect, test } from 'vitest'
import { bytesOfText } from '../../../src/base/bytes.ts'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { readGitLogFile } from '../../../src/lab/git/gitlog.ts'
import { EMPTY_TREE, type GitChange, type GitEntry } from '../../../src/lab/git/history.ts'
import { TreeHasher, treeId } from '../../../src/lab/git/tree-id.ts'
import { replayed, SEEDS, trace } from './replay.ts'

/** The blob of no bytes. */
const BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'

function entry(path: string, mode = '100644', object = BLOB): GitEntry {
  return { path: bytesOfText(path), mode, object }
}

function set(path: string): GitChange {
  return { kind: 'set', ...entry(path) }
}

function remove(path: string): GitChange {
  return { kind: 'delete', path: bytesOfText(path) }
}

describe('a tree id', () => {
  test('of no entries is the well-known one', () => {
    expect(treeId([])).toBe(EMPTY_TREE)
  })

  // Made with `git write-tree`.
  test.each([
    ['a file', [entry('a')], '496d6428b9cf92981dc9495211e6e1120fb6f2ba'],
    [
      'modes',
      [entry('l', '120000'), entry('m', '160000'), entry('x', '100755')],
      'f2fb2fc1995af593babe76ea87c51331938c4998',
    ],
    [
      'a directory between names that share its beginning',
      ['a-b', 'a.b', 'a/c', 'a0'].map((path) => entry(path)),
      '317fd212819ec3ab50c030f434d2008285105ead',
    ],
    [
      'directories within directories',
      ['a/b/c', 'a/b/d/e', 'a/f', 'b/b/c'].map((path) => entry(path)),
      '4a5e3a9ac6bc3c6dbc0dd8293ae1a726d91a6c61',
    ],
  ])('of %s is what git says', (_, entries, id) => {
    expect(treeId(entries)).toBe(id)
    expect(treeId(entries.toReversed())).toBe(id)
  })

  test.each([
    ['a mode that is none', entry('a', '644')],
    ['a mode in letters', entry('a', 'rw-r--')],
    ['an id that is too short', entry('a', '100644', BLOB.slice(1))],
    ['an id in capitals', entry('a', '100644', BLOB.toUpperCase())],
    ['a SHA-256 id', entry('a', '100644', BLOB + BLOB.slice(16))],
  ])('is refused for %s', (_, wrong) => {
    expect(() => treeId([wrong])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    const hasher = new TreeHasher()
    expect(() => hasher.apply([{ kind: 'set', ...wrong }])).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })

  for (const [name, count] of [
    ['toydb', 929],
    ['abstract-level', 494],
  ] as const) {
    const { path, present } = trace(name)
    test.skipIf(!present)(
      `of every commit of ${name} is the recorded one, hashed whole and by changes`,
      () => {
        const hasher = new TreeHasher()
        let commits = 0
        for (const [commit, files] of replayed(readGitLogFile(path))) {
          commits++
          expect(treeId(files.values()), commit.id).toBe(commit.tree)
          hasher.apply(commit.changes)
          expect(hasher.id, commit.id).toBe(commit.tree)
        }
        expect(commits).toBe(count)
      },
    )
  }
})

describe('a tree hasher', () => {
  test.each(SEEDS)('says at every commit what the hash of the whole tree says (seed %i)', (seed) => {
    const hasher = new TreeHasher()
    for (const [commit, files] of replayed(generateHistory({ seed, commits: 150, files: 60 }))) {
      hasher.apply(commit.changes)
      expect(hasher.id, commit.id).toBe(treeId(files.values()))
    }
  })

  test('forgets directories with their last file', () => {
    const hasher = new TreeHasher()
    hasher.apply([set('a/b/c/d'), set('a/e')])
    hasher.apply([remove('a/b/c/d')])
    expect(hasher.id).toBe(treeId([entry('a/e')]))
    hasher.apply([remove('a/e')])
    expect(hasher.id).toBe(EMPTY_TREE)
  })

  test('lets a file and a directory take the place of each other in one commit, in any order of changes', () => {
    const hasher = new TreeHasher()
    hasher.apply([set('a')])
    hasher.apply([set('a/b'), remove('a')])
    expect(hasher.id).toBe(treeId([entry('a/b')]))
    hasher.apply([set('a'), remove('a/b')])
    expect(hasher.id).toBe(treeId([entry('a')]))
  })

  test.each([
    ['a delete of what is not there', [remove('b')]],
    ['a delete below a file', [remove('file/b')]],
    ['a delete of a directory', [remove('directory')]],
    ['a file below a file', [set('file/b')]],
    ['a file over a directory', [set('directory')]],
  ])('refuses %s', (_, changes) => {
    const hasher = new TreeHasher()
    hasher.apply([set('file'), set('directory/file')])
    expect(() => hasher.apply(changes)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
