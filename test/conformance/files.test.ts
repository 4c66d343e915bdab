/**
 * The three file systems are one: the same operations give the same results, errors included.
 * Fixed rules are checked on each; random scripts are run on all and compared.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { bytesOfText, hexOfBytes, textOfBytes } from '../../src/base/bytes.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { NodeFiles } from '../../src/platform/node-files.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { type AppendFile, type FileLock, type FileSystem, type RandomFile } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-files-'))
let directories = 0
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** A new directory on the real disk, for one run. */
function nodeFiles(): FileSystem {
  const files = new NodeFiles(join(scratch, String(directories++)))
  files.makeDirectory('')
  return files
}

const worlds: readonly { name: string; open: () => FileSystem }[] = [
  { name: 'memory', open: () => new MemoryFiles() },
  { name: 'faults', open: () => new FaultFiles() },
  { name: 'node', open: nodeFiles },
]

/** The errno or the code with which an operation is refused; `undefined` if it is not. */
function refusal(action: () => unknown): unknown {
  try {
    action()
    return undefined
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
    return error.code === 'IO_FAILED' ? error.details['errno'] : error.code
  }
}

function write(files: FileSystem, path: string, text: string): void {
  const file = files.create(path)
  file.append(bytesOfText(text))
  file.close()
}

function contents(files: FileSystem, path: string): string {
  const file = files.open(path)
  try {
    return textOfBytes(file.read(0, file.size))
  } finally {
    file.close()
  }
}

describe.each(worlds)('$name files', ({ open }) => {
  test('a file holds what was appended to it, in order, over several openings', () => {
    const files = open()
    write(files, 'log', 'one ')
    const again = files.append('log')
    expect(again.size).toBe(4)
    again.append(bytesOfText('two '))
    again.append(bytesOfText(''))
    again.append(bytesOfText('three'))
    again.sync()
    expect(again.size).toBe(13)
    again.close()
    expect(contents(files, 'log')).toBe('one two three')
    expect(files.size('log')).toBe(13)
  })

  test('appended bytes are copied, read bytes belong to the reader', () => {
    const files = open()
    const file = files.create('a')
    const bytes = bytesOfText('abcd')
    file.append(bytes)
    bytes.fill(0)
    const reader = files.open('a')
    const read = reader.read(0, 4)
    expect(textOfBytes(read)).toBe('abcd')
    expect(read.buffer.byteLength).toBe(4)
    read.fill(0)
    expect(textOfBytes(reader.read(1, 3))).toBe('bcd')
    expect(Object.getPrototypeOf(read)).toBe(Uint8Array.prototype)
  })

  test('a read beyond the end is refused whole, however long it is', () => {
    const files = open()
    write(files, 'a', 'abcd')
    const file = files.open('a')
    expect(file.size).toBe(4)
    expect(file.read(4, 0).length).toBe(0)
    expect(refusal(() => file.read(3, 2))).toBe('EOF')
    expect(refusal(() => file.read(5, 0))).toBe('EOF')
    expect(refusal(() => file.read(0, 2 ** 50))).toBe('EOF')
    for (const wrong of [-1, 0.5, NaN, 2 ** 53]) {
      expect(refusal(() => file.read(wrong, 1))).toBe('INVALID_ARGUMENT')
      expect(refusal(() => file.read(0, wrong))).toBe('INVALID_ARGUMENT')
    }
  })

  test('a reader sees what is appended after it was opened', () => {
    const files = open()
    const file = files.create('a')
    const reader = files.open('a')
    file.append(bytesOfText('later'))
    expect(reader.size).toBe(0)
    expect(textOfBytes(reader.read(0, 5))).toBe('later')
  })

  test('a removed or replaced file stays readable through open handles', () => {
    const files = open()
    write(files, 'a', 'first')
    write(files, 'b', 'second')
    const reader = files.open('a')
    files.rename('b', 'a')
    expect(textOfBytes(reader.read(0, 5))).toBe('first')
    expect(contents(files, 'a')).toBe('second')
    const second = files.open('a')
    files.remove('a')
    expect(textOfBytes(second.read(0, 6))).toBe('second')
    expect(files.size('a')).toBeUndefined()
    expect(refusal(() => files.open('a'))).toBe('ENOENT')
  })

  test('a link is a second name of the same file', () => {
    const files = open()
    write(files, 'a', 'x')
    files.makeDirectory('d')
    files.link('a', 'd/b')
    const file = files.append('a')
    file.append(bytesOfText('y'))
    expect(contents(files, 'd/b')).toBe('xy')
    files.remove('a')
    expect(contents(files, 'd/b')).toBe('xy')
  })

  test('of two names of one file, a rename takes none away', () => {
    const files = open()
    write(files, 'a', 'x')
    files.link('a', 'b')
    files.rename('a', 'b')
    files.rename('a', 'a')
    expect(files.list('')?.toSorted()).toEqual(['a', 'b'])
  })

  test('a cut leaves the head, and what is appended then follows it', () => {
    const files = open()
    write(files, 'a', 'abcdef')
    files.truncate('a', 3)
    const file = files.append('a')
    file.append(bytesOfText('XY'))
    expect(contents(files, 'a')).toBe('abcXY')
    expect(refusal(() => files.truncate('a', 6))).toBe('INVALID_ARGUMENT')
    expect(refusal(() => files.truncate('a', -1))).toBe('INVALID_ARGUMENT')
    expect(contents(files, 'a')).toBe('abcXY')
  })

  test('directories are made with those above them, and list files and directories', () => {
    const files = open()
    files.makeDirectory('')
    files.makeDirectory('d/e/f')
    files.makeDirectory('d/e')
    write(files, 'd/x', '')
    expect(files.list('d')?.toSorted()).toEqual(['e', 'x'])
    expect(files.list('d/e/f')).toEqual([])
    expect(files.list('d/none')).toBeUndefined()
    expect(files.list('')).toEqual(['d'])
    files.syncDirectory('')
    files.syncDirectory('d/e')
  })

  test('a name that is missing, taken, or of the wrong kind is refused by its errno', () => {
    const files = open()
    write(files, 'f', '')
    files.makeDirectory('d/e')
    const expected: readonly [string, () => unknown, string][] = [
      ['create', () => files.create('f'), 'EEXIST'],
      ['create', () => files.create('d'), 'EEXIST'],
      ['create', () => files.create(''), 'EEXIST'],
      ['create', () => files.create('none/x'), 'ENOENT'],
      ['create', () => files.create('f/x'), 'ENOTDIR'],
      ['append', () => files.append('none'), 'ENOENT'],
      ['append', () => files.append('d'), 'EISDIR'],
      ['open', () => files.open('none'), 'ENOENT'],
      ['open', () => files.open('d'), 'EISDIR'],
      ['open', () => files.open(''), 'EISDIR'],
      ['open', () => files.open('f/x/y'), 'ENOTDIR'],
      ['size', () => files.size('d'), 'EISDIR'],
      ['truncate', () => files.truncate('none', 0), 'ENOENT'],
      ['truncate', () => files.truncate('d', 0), 'EISDIR'],
      ['rename', () => files.rename('none', 'x'), 'ENOENT'],
      ['rename', () => files.rename('f', 'none/x'), 'ENOENT'],
      ['rename', () => files.rename('d', 'x'), 'EISDIR'],
      ['rename', () => files.rename('f', 'd'), 'EISDIR'],
      ['rename', () => files.rename('f', ''), 'EISDIR'],
      ['rename', () => files.rename('f', 'f/x'), 'ENOTDIR'],
      ['link', () => files.link('f', 'f'), 'EEXIST'],
      ['link', () => files.link('f', 'd'), 'EEXIST'],
      ['link', () => files.link('none', 'x'), 'ENOENT'],
      ['link', () => files.link('f', 'none/x'), 'ENOENT'],
      ['link', () => files.link('d', 'x'), 'EISDIR'],
      ['remove', () => files.remove('none'), 'ENOENT'],
      ['remove', () => files.remove('d'), 'EISDIR'],
      ['remove', () => files.remove(''), 'EISDIR'],
      ['list', () => files.list('f'), 'ENOTDIR'],
      ['makeDirectory', () => files.makeDirectory('f'), 'EEXIST'],
      ['makeDirectory', () => files.makeDirectory('f/x'), 'ENOTDIR'],
      ['syncDirectory', () => files.syncDirectory('none'), 'ENOENT'],
      ['syncDirectory', () => files.syncDirectory('f'), 'ENOTDIR'],
      ['lock', () => files.lock('none/LOCK'), 'ENOENT'],
      ['lock', () => files.lock('d'), 'EISDIR'],
    ]
    for (const [what, action, errno] of expected) expect([what, refusal(action)]).toEqual([what, errno])
    expect(files.list('')?.toSorted()).toEqual(['d', 'f'])
  })

  test('a path that leaves the root, or means something else elsewhere, is refused by every operation', () => {
    const files = open()
    const wrong = ['/a', 'a/', 'a//b', '.', '..', 'a/../b', '../a', 'a\0b', 'a\\b', 'c:a', '\n']
    for (const path of [...wrong, 5 as never]) {
      const actions = [
        () => files.create(path),
        () => files.append(path),
        () => files.open(path),
        () => files.size(path),
        () => files.truncate(path, 0),
        () => files.rename(path, 'x'),
        () => files.link(path, 'x'),
        () => files.remove(path),
        () => files.list(path),
        () => files.makeDirectory(path),
        () => files.syncDirectory(path),
        () => files.lock(path),
      ]
      for (const action of actions) expect(refusal(action), JSON.stringify(path)).toBe('INVALID_ARGUMENT')
    }
    write(files, 'a', '')
    expect(refusal(() => files.rename('a', '../b'))).toBe('INVALID_ARGUMENT')
    expect(refusal(() => files.link('a', '../b'))).toBe('INVALID_ARGUMENT')
    expect(files.list('')).toEqual(['a'])
  })

  test('a closed handle does nothing more', () => {
    const files = open()
    const file = files.create('a')
    const reader = files.open('a')
    file.close()
    file.close()
    reader.close()
    reader.close()
    expect(refusal(() => file.append(bytesOfText('x')))).toBe('EBADF')
    expect(refusal(() => file.sync())).toBe('EBADF')
    expect(refusal(() => reader.read(0, 0))).toBe('EBADF')
    expect(files.size('a')).toBe(0)
  })

  test('a lock is held until it is released, and by one holder', () => {
    const files = open()
    const lock = files.lock('LOCK')
    expect(files.list('')).toEqual(['LOCK'])
    expect(refusal(() => files.lock('LOCK'))).toBe('DATABASE_LOCKED')
    files.remove('LOCK')
    expect(refusal(() => files.lock('LOCK'))).toBe('DATABASE_LOCKED')
    lock.release()
    const next = files.lock('LOCK')
    lock.release()
    expect(refusal(() => files.lock('LOCK'))).toBe('DATABASE_LOCKED')
    next.release()
    expect(files.list('')).toEqual([])
  })
})

type Command =
  | { readonly kind: 'create' | 'append' | 'open' | 'size' | 'remove' | 'list'; readonly path: string }
  | { readonly kind: 'makeDirectory' | 'syncDirectory' | 'lock'; readonly path: string }
  | { readonly kind: 'rename' | 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'truncate'; readonly path: string; readonly length: number }
  | { readonly kind: 'write'; readonly handle: number; readonly bytes: Uint8Array }
  | { readonly kind: 'read'; readonly handle: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'sync' | 'closeWriter' | 'closeReader' | 'release'; readonly handle: number }

const path = fc.constantFrom('a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a', 'a/b', '', 'no/a')
const handle = fc.nat({ max: 3 })
const small = fc.nat({ max: 12 })
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('create'), path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('append'), path }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('open'), path }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom('size', 'remove', 'list', 'makeDirectory'), path }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('syncDirectory'), path }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('rename', 'link'), path, to: path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('truncate'), path, length: small }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write'), handle, bytes: fc.uint8Array({ maxLength: 8 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('read'), handle, offset: small, length: small }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sync'), handle }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('closeWriter', 'closeReader', 'release'), handle }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('lock'), path: fc.constantFrom('LOCK', 'd/LOCK', 'no/LOCK') }),
  },
)

/** Runs a script and returns what each command gave: a value, or a code with its errno. */
function run(files: FileSystem, script: readonly Command[]): readonly unknown[] {
  const writers: AppendFile[] = []
  const readers: RandomFile[] = []
  const locks: FileLock[] = []
  const one = (step: Command): unknown => {
    switch (step.kind) {
      case 'create':
      case 'append':
        return writers.push(files[step.kind](step.path))
      case 'open':
        readers.push(files.open(step.path))
        return readers.at(-1)?.size
      case 'lock':
        return locks.push(files.lock(step.path))
      case 'list':
        return files.list(step.path)?.toSorted()
      case 'size':
      case 'remove':
      case 'makeDirectory':
      case 'syncDirectory':
        return files[step.kind](step.path)
      case 'rename':
      case 'link':
        return files[step.kind](step.path, step.to)
      case 'truncate':
        return files.truncate(step.path, step.length)
      case 'write':
        return writers[step.handle]?.append(step.bytes)
      case 'sync':
        return writers[step.handle]?.sync()
      case 'closeWriter':
        return writers[step.handle]?.close()
      case 'read': {
        const read = readers[step.handle]?.read(step.offset, step.length)
        return read && hexOfBytes(read)
      }
      case 'closeReader':
        return readers[step.handle]?.close()
      case 'release':
        return locks[step.handle]?.release()
    }
  }
  const results = script.map((step) => {
    try {
      return one(step)
    } catch (error) {
      if (!(error instanceof PalimpsestError)) throw error
      return [error.code, error.details['operation'], error.details['errno']]
    }
  })
  for (const open of [...writers, ...readers]) open.close()
  for (const lock of locks) lock.release()
  return results
}

test.each([1, 2, 3, randomInt(2 ** 31)])(
  'any script gives the same results in all worlds (seed %i)',
  (seed) => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (script) => {
        const expected = run(new MemoryFiles(), script)
        expect(run(new FaultFiles({ seed }), script)).toEqual(expected)
        expect(run(nodeFiles(), script)).toEqual(expected)
      }),
      { seed, numRuns: 150 },
    )
  },
)
