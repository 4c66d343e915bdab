import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { bytesOfText, concatBytes } from '../../../src/base/bytes.ts'
import { generateContents, generateHistory } from '../../../src/lab/git/generator.ts'
import type { GitChange, GitCommit } from '../../../src/lab/git/history.ts'
import { byteTextOf, bytesOfByteText, quotePath } from '../../../src/lab/git/quoting.ts'
import { readBlobs, readRepository } from '../../../src/lab/git/repository.ts'
import { TreeHasher, treeId } from '../../../src/lab/git/tree-id.ts'
import { replayed, SEEDS } from './replay.ts'

let root = ''
let count = 0

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'palimpsest-test-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

const HAS_GIT = canRunGit()

describe.skipIf(!HAS_GIT)('a repository', () => {
  test.each(SEEDS)('made of a made-up history is read as that history (seed %i)', (seed) => {
    const directory = newRepository()
    const made = withTrueObjects([...generateHistory({ seed, commits: 80, files: 30 })])
    importHistory(directory, made)
    const read = [...readRepository(directory)]
    expect(read.map(({ tree, seconds, changes }) => ({ tree, seconds, changes }))).toEqual(made)
    expect(read.map(({ id }) => id).join('\n')).toBe(git(directory, 'rev-list', '--reverse', 'HEAD'))
  })

  test('of odd file names hashes to the tree that git says', () => {
    const directory = newRepository()
    const names = [
      'a"b',
      'back\\slash',
      'tab\tand\nnewline',
      ' space ',
      'grüße',
      '-n',
      '\x7f',
      'lib',
      'lib.d/x',
      'lib-d/y',
      'lib0',
    ]
    for (const name of names) writeFile(directory, name, name)
    writeFile(directory, byteName('latin-\xe9'), 'not UTF-8')
    symlinkSync('lib', join(directory, 'link'))
    git(directory, 'add', '--all')
    git(directory, 'commit', '--quiet', '--message=odd')
    git(directory, 'mv', 'lib.d', 'lib.e')
    git(directory, 'rm', '--quiet', '--force', 'lib')
    writeFile(directory, 'lib/z', 'a directory now')
    git(directory, 'add', '--all')
    git(directory, 'commit', '--quiet', '--message=moved')
    const trees = git(directory, 'log', '--reverse', '--format=%T').split('\n')
    for (const [commit, files] of replayed(readRepository(directory))) {
      expect(commit.tree).toBe(trees.shift())
      expect(treeId(files.values())).toBe(commit.tree)
      expect(files.has('latin-\xe9')).toBe(true)
    }
    expect(trees).toEqual([])
  })

  test('of which one commit cannot be taken gives none, and says whose log it is', () => {
    const directory = newRepository()
    commitFile(directory, 'a', '1')
    const late =
      'commit refs/heads/main\ncommitter a <a@b.c> 9999999999 +0000\ndata 0\nfrom refs/heads/main^0\n\n'
    execFileSync('git', ['-C', directory, 'fast-import', '--quiet'], { env: ENVIRONMENT, input: late })
    expect(() => readRepository(directory).next()).toThrow(
      expect.objectContaining({
        code: 'INVALID_TRACE',
        message: expect.stringContaining(`the log of ${directory}: line 4: the time 9999999999`) as string,
      }),
    )
  })

  test('with merges is read along first parents, every tree proved', () => {
    const directory = newRepository()
    commitFile(directory, 'a', '1')
    git(directory, 'switch', '--quiet', '--create', 'side')
    commitFile(directory, 'b', '2')
    commitFile(directory, 'c', '3')
    git(directory, 'switch', '--quiet', 'main')
    commitFile(directory, 'a', '4')
    git(directory, 'merge', '--quiet', '--no-ff', '--message=merge', 'side')
    const history = prove(readRepository(directory))
    expect(history.map(({ changes }) => changes.map(({ path }) => byteTextOf(path)))).toEqual([
      ['a'],
      ['a'],
      ['b', 'c'],
    ])
    expect(prove(readRepository(directory, { revision: 'side' }))).toHaveLength(3)
    expect(prove(readRepository(directory, { revision: 'HEAD~1' }))).toHaveLength(2)
  })

  test('is read the same whatever its settings, its submodules, its replaced objects, and from below', () => {
    const directory = newRepository()
    commitFile(directory, 'a b/c"\\', 'one\n'.repeat(20))
    commitFile(directory, '.gitmodules', '[submodule "s"]\n\tpath = s\n\turl = ./s\n\tignore = all\n')
    for (const object of ['1', '2']) {
      git(directory, 'update-index', '--add', '--cacheinfo', `160000,${object.repeat(40)},s`)
      git(directory, 'commit', '--quiet', '--message=submodule')
    }
    git(directory, 'mv', 'a b/c"\\', 'a b/grüße')
    git(directory, 'commit', '--quiet', '--message=renamed')
    signHead(directory)
    const gpg = join(directory, '.git', 'gpg')
    writeFileSync(gpg, '#!/bin/sh\necho "gpg: who knows" >&2\n', { mode: 0o755 })
    const plain = prove(readRepository(directory))
    expect(plain.map(({ changes }) => changes.length)).toEqual([1, 1, 1, 1, 2])
    const settings = {
      'core.quotePath': 'true',
      'core.abbrev': '7',
      'log.showRoot': 'false',
      'log.showSignature': 'true',
      'gpg.program': gpg,
      'log.decorate': 'full',
      'log.diffMerges': 'combined',
      'log.abbrevCommit': 'true',
      'diff.renames': 'copies',
      'diff.relative': 'true',
      'diff.ignoreSubmodules': 'all',
      'diff.orderFile': '/nowhere/at/all',
      'color.ui': 'always',
      'format.pretty': 'fuller',
    }
    for (const [name, value] of Object.entries(settings)) git(directory, 'config', name, value)
    git(directory, 'replace', 'HEAD~1', 'HEAD~3')
    git(directory, 'notes', 'add', '--message=note')
    vi.stubEnv('GIT_DIR', join(root, 'elsewhere'))
    vi.stubEnv('GIT_INDEX_FILE', join(root, 'elsewhere'))
    expect(prove(readRepository(directory))).toEqual(plain)
    expect(prove(readRepository(join(directory, 'a b')))).toEqual(plain)
  })

  test('that is a shallow clone begins with all that its oldest commit has', () => {
    const directory = newRepository()
    for (const name of ['a', 'b', 'c']) commitFile(directory, name, name)
    const clone = join(root, 'shallow')
    git(root, 'clone', '--quiet', '--depth=2', `file://${directory}`, clone)
    expect(prove(readRepository(clone)).map(({ changes }) => changes.length)).toEqual([2, 1])
  })

  test('that is bare, or whose history is left early, leaves nothing behind', () => {
    const scratch = join(root, 'scratch')
    mkdirSync(scratch)
    vi.stubEnv('TMPDIR', scratch)
    const directory = newRepository('--bare')
    importHistory(directory, withTrueObjects([...generateHistory({ seed: 1, commits: 10, files: 5 })]))
    for (const commit of readRepository(directory)) {
      expect(commit.changes.length).toBeGreaterThan(0)
      break
    }
    expect(readdirSync(scratch)).toEqual([])
  })

  test('that is none, or has no such commit, or has other ids, is refused', () => {
    const empty = newRepository()
    const other = newRepository('--object-format=sha256')
    const nowhere = join(root, 'nowhere')
    vi.stubEnv('GIT_CEILING_DIRECTORIES', root)
    const none = mkdtempSync(join(root, 'none-'))
    expect(() => readRepository(nowhere).next()).toThrow(refusal(/nowhere/, { directory: nowhere }))
    expect(() => readRepository(none).next()).toThrow(refusal(/not a git repository/, { directory: none }))
    expect(() => readRepository(empty).next()).toThrow(
      refusal(/no commit "HEAD"/, { directory: empty, revision: 'HEAD' }),
    )
    expect(() => readRepository(other).next()).toThrow(refusal(/SHA-256/, { directory: other }))
    commitFile(empty, 'a', 'a')
    for (const revision of ['nothing', '--all', '', 'HEAD:a']) {
      expect(() => readRepository(empty, { revision }).next()).toThrow(
        refusal(/no commit/, { directory: empty, revision }),
      )
    }
  })

  test('without git on the path is IO_FAILED', () => {
    vi.stubEnv('PATH', root)
    expect(() => readRepository(root).next()).toThrow(
      expect.objectContaining({
        code: 'IO_FAILED',
        details: { operation: 'spawn', path: 'git', errno: 'ENOENT' },
      }),
    )
  })
})

describe.skipIf(!HAS_GIT)('the contents of files', () => {
  test('come in the order asked for, in batches, those beyond the limit without their bytes', () => {
    const directory = newRepository()
    const contents = [
      new Uint8Array(0),
      bytesOfText('a\n'),
      Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256),
      ...Array.from({ length: 260 }, (_, index) => bytesOfText(`${index}\n`)),
    ]
    for (const [index, bytes] of contents.entries()) writeFile(directory, `f${index}`, bytes)
    git(directory, 'add', '--all')
    const objects = contents.map(blobId)
    const asked = [...objects, ...objects.toReversed()]
    const blobs = [...readBlobs(directory, asked)]
    expect(blobs.map(({ object }) => object)).toEqual(asked)
    expect(blobs.every(({ object, size, bytes }) => bytes?.length === size && blobId(bytes) === object)).toBe(
      true,
    )
    expect(blobs[0]!.bytes!.constructor).toBe(Uint8Array)
    const limited = [...readBlobs(directory, asked, { limit: 4 })]
    expect(limited).toEqual(blobs.map((blob) => (blob.size <= 4 ? blob : { ...blob, bytes: undefined })))
    expect(limited.filter(({ bytes }) => bytes === undefined)).toHaveLength(2)
  })

  test('are taken as they are asked for, and nothing is asked of git before', () => {
    let taken = 0
    const objects = (function* (): Generator<string> {
      for (;;) {
        taken++
        yield EMPTY_BLOB
      }
    })()
    const directory = newRepository()
    writeFile(directory, 'empty', '')
    git(directory, 'add', 'empty')
    const blobs = readBlobs(directory, objects)
    expect(taken).toBe(0)
    expect(blobs.next().value).toEqual({ object: EMPTY_BLOB, size: 0, bytes: new Uint8Array(0) })
    expect(taken).toBe(512)
    blobs.return(undefined)
    expect([...readBlobs(directory, [])]).toEqual([])
  })

  test('of what is no file of the repository are refused', () => {
    const directory = newRepository()
    commitFile(directory, 'a', 'a')
    const head = git(directory, 'rev-parse', 'HEAD')
    for (const object of ['1'.repeat(40), head, 'HEAD:a', 'a\nb', '']) {
      expect(() => readBlobs(directory, [object]).next()).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', details: { object } }),
      )
    }
    expect(() => readBlobs(join(root, 'nowhere'), [EMPTY_BLOB]).next()).toThrow(
      expect.objectContaining({ code: 'IO_FAILED' }),
    )
  })
})

const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'

/** Nobody's settings, and a clock that stands. */
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  HOME: '/nowhere',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_AUTHOR_DATE: '1600000000 +0000',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  GIT_COMMITTER_DATE: '1600000000 +0000',
}

function canRunGit(): boolean {
  try {
    return execFileSync('git', ['--version']).length > 0
  } catch {
    return false
  }
}

function git(directory: string, ...words: readonly string[]): string {
  return execFileSync('git', ['-C', directory, ...words], { env: ENVIRONMENT, encoding: 'utf8' }).trim()
}

function newRepository(...options: readonly string[]): string {
  const directory = join(root, `repository-${count++}`)
  git(root, 'init', '--quiet', '--initial-branch=main', ...options, directory)
  return directory
}

/** A file name of these bytes; where the file system takes no such name, the text. */
function byteName(name: string): Uint8Array | string {
  return process.platform === 'linux' ? bytesOfByteText(name) : name
}

function writeFile(directory: string, name: Uint8Array | string, contents: Uint8Array | string): void {
  if (typeof name !== 'string') {
    writeFileSync(Buffer.from(concatBytes([bytesOfText(`${directory}/`), name])), contents)
    return
  }
  mkdirSync(join(directory, name, '..'), { recursive: true })
  writeFileSync(join(directory, name), contents)
}

function commitFile(directory: string, name: string, contents: string): void {
  writeFile(directory, name, contents)
  git(directory, 'add', '--all')
  git(directory, 'commit', '--quiet', `--message=${name}`)
}

/** Puts what looks like a signature on the newest commit. */
function signHead(directory: string): void {
  const unsigned = git(directory, 'cat-file', 'commit', 'HEAD')
  const signature = '-----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----'
  const signed = join(directory, '.git', 'signed')
  writeFileSync(signed, unsigned.replace('\n\n', `\ngpgsig ${signature}\n\n`))
  git(directory, 'reset', '--quiet', git(directory, 'hash-object', '-t', 'commit', '-w', signed))
}

/** The history, each of whose trees is what a replay says. */
function prove(history: Iterable<GitCommit>): readonly GitCommit[] {
  return Array.from(replayed(history), ([commit, files]) => {
    expect(treeId(files.values()), commit.id).toBe(commit.tree)
    return commit
  })
}

function refusal(message: RegExp, details: object): unknown {
  return expect.objectContaining({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(message),
    details,
  })
}

function blobId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** What a commit is without its id. */
type Step = Omit<GitCommit, 'id'>

/** The history with the ids of the contents that its objects stand for, and the trees that follow. */
function withTrueObjects(history: readonly GitCommit[]): readonly Step[] {
  const hasher = new TreeHasher()
  return history.map(({ seconds, changes }) => {
    const real = changes.map((change): GitChange => {
      if (change.kind === 'delete' || change.mode === '160000') return change
      const bytes = generateContents(change.object)
      const object = blobId(bytes)
      CONTENTS.set(object, bytes)
      return { ...change, object }
    })
    hasher.apply(real)
    return { tree: hasher.id, seconds, changes: real }
  })
}

/** The contents behind the objects of {@link withTrueObjects}. */
const CONTENTS = new Map<string, Uint8Array>()

/** Makes the commits with `git fast-import`. */
function importHistory(directory: string, history: readonly Step[]): void {
  let stream = ''
  for (const { seconds, changes } of history) {
    stream += `commit refs/heads/main\ncommitter Ada <ada@example.org> ${seconds} +0000\ndata 1\nx\n`
    for (const change of changes) if (change.kind === 'delete') stream += `D ${pathOf(change)}\n`
    for (const change of changes) if (change.kind === 'set') stream += setCommand(change)
    stream += '\n'
  }
  execFileSync('git', ['-C', directory, 'fast-import', '--quiet'], {
    env: ENVIRONMENT,
    input: Buffer.from(stream, 'latin1'),
  })
}

function setCommand(change: GitChange & { readonly kind: 'set' }): string {
  const { mode, object } = change
  if (mode === '160000') return `M ${mode} ${object} ${pathOf(change)}\n`
  const contents = CONTENTS.get(object)!
  return `M ${mode} inline ${pathOf(change)}\ndata ${contents.length}\n${byteTextOf(contents)}\n`
}

function pathOf({ path }: GitChange): string {
  return quotePath(byteTextOf(path))
}
