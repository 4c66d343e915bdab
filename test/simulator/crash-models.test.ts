/** What each crash model promises: what was synced is there, and what was not may or may not be. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfText, hexOfBytes, textOfBytes } from '../../src/base/bytes.ts'
import { CRASH_MODELS, type CrashModel, SECTOR_BYTES } from '../../src/simulator/crash-models.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type AppendFile, type FileSystem } from '../../src/storage/files.ts'

const text = bytesOfText
const POWER_CUTS = CRASH_MODELS.filter((model) => model !== 'process-kill')
const LOSSY = ['prefix', 'weak', 'hostile'] as const

function contents(files: FileSystem, path: string): string | undefined {
  const size = files.size(path)
  return size === undefined ? undefined : textOfBytes(files.open(path).read(0, size))
}

/** Every different outcome over many seeds. */
function outcomes<T>(
  model: CrashModel,
  prepare: (files: FaultFiles) => void,
  look: (image: FaultFiles) => T,
  seeds = 200,
): Set<T> {
  const files = new FaultFiles()
  prepare(files)
  const seen = new Set<T>()
  for (let seed = 0; seed < seeds; seed++) seen.add(look(files.crash(model, seededRandom(seed))))
  return seen
}

function write(files: FileSystem, path: string, bytes: string): AppendFile {
  const file = files.create(path)
  file.append(text(bytes))
  return file
}

function settle(files: FileSystem, path: string, bytes: string, directory = ''): void {
  const file = write(files, path, bytes)
  file.sync()
  file.close()
  files.syncDirectory(directory)
}

describe.each(CRASH_MODELS)('under %s', (model) => {
  test('bytes that were synced under a name that was synced survive', () => {
    const prepare = (files: FaultFiles): void => {
      settle(files, 'a', 'synced')
      files.append('a').append(text('!'.repeat(2000)))
      files.create('b')
    }
    const heads = outcomes(model, prepare, (image) => contents(image, 'a')?.substring(0, 6))
    expect(heads).toEqual(new Set(['synced']))
  })

  test('the same seed gives the same image', () => {
    const files = new FaultFiles()
    for (const name of ['a', 'b', 'c']) write(files, name, name.repeat(3000))
    const key = (seed: number): string => files.crash(model, seededRandom(seed)).imageKey()
    for (let seed = 0; seed < 50; seed++) expect(key(seed)).toBe(key(seed))
  })

  test('two names of one file are two names of one file afterwards', () => {
    const files = new FaultFiles()
    settle(files, 'a', 'x')
    files.makeDirectory('snapshot')
    files.syncDirectory('')
    files.link('a', 'snapshot/a')
    files.syncDirectory('snapshot')
    files.append('a').append(text('y'.repeat(600)))
    for (let seed = 0; seed < 100; seed++) {
      const image = files.crash(model, seededRandom(seed))
      expect(image.facts('a')?.inode).toBe(image.facts('snapshot/a')?.inode)
      image.append('a').append(text('later'))
      expect(contents(image, 'snapshot/a')?.endsWith('later')).toBe(true)
    }
  })

  test('images do not disturb each other or the disk that they come from', () => {
    const files = new FaultFiles()
    settle(files, 'a', 'synced')
    const file = files.append('a')
    file.append(text('unsynced'))
    const choice = { kind: 'drawn', model, seed: 5 } as const
    const first = files.crashImage(choice)
    const before = first.imageKey()
    const second = files.crashImage(choice)
    second.append('a').append(text('second'))
    second.truncate('a', 1)
    second.append('a').append(text('third'))
    file.append(text('original goes on'))
    expect(first.imageKey()).toBe(before)
    expect(files.size('a')).toBe(30)
    first.append('a').append(text('first'))
    expect(contents(second, 'a')).toBe('sthird')
  })
})

describe.each(POWER_CUTS)('after a power cut of the model %s', (model) => {
  test('what is there is durable', () => {
    const files = new FaultFiles()
    for (const name of ['a', 'b', 'c', 'd']) write(files, name, name.repeat(1000))
    for (let seed = 0; seed < 50; seed++) {
      const image = files.crash(model, seededRandom(seed))
      expect(image.pending).toEqual([])
      expect(image.crash('synced-only', seededRandom(1)).imageKey()).toBe(image.imageKey())
    }
  })
})

test('after the death of the process all is there, and what was not synced can still be lost', () => {
  const files = new FaultFiles()
  settle(files, 'a', 'one')
  files.append('a').append(text('two'))
  write(files, 'b', 'three')
  const next = files.crash('process-kill', seededRandom(1))
  expect(contents(next, 'a')).toBe('onetwo')
  expect(contents(next, 'b')).toBe('three')
  expect(next.pending).toEqual(files.pending)
  expect(next.isDurable('a')).toBe(false)
  const lost = next.crashImage({ kind: 'none' })
  expect(contents(lost, 'a')).toBe('one')
  expect(contents(lost, 'b')).toBeUndefined()
  next.append('b').sync()
  next.syncDirectory('')
  expect(contents(next.crashImage({ kind: 'none' }), 'b')).toBe('three')
})

describe.each(LOSSY)('under %s', (model) => {
  test('unsynced bytes may be there and may be gone', () => {
    const sizes = outcomes(
      model,
      (files) => {
        settle(files, 'a', 'x')
        files.append('a').append(text('y'))
      },
      (image) => image.size('a'),
    )
    expect(sizes).toEqual(new Set([1, 2]))
  })

  test('a file whose bytes were synced may have no name', () => {
    const seen = outcomes(
      model,
      (files) => write(files, 'a', 'x').sync(),
      (image) => contents(image, 'a'),
    )
    expect(seen).toEqual(new Set(['x', undefined]))
  })

  test('a name that was synced may have no bytes', () => {
    const seen = outcomes(
      model,
      (files) => {
        write(files, 'a', 'x')
        files.syncDirectory('')
      },
      (image) => image.size('a'),
    )
    expect(seen).toEqual(new Set([0, 1]))
  })

  test('an unsynced removal may have happened', () => {
    const seen = outcomes(
      model,
      (files) => {
        settle(files, 'a', 'x')
        files.remove('a')
      },
      (image) => contents(image, 'a'),
    )
    expect(seen).toEqual(new Set(['x', undefined]))
  })

  test('a rename leaves the old file or the new one under the name', () => {
    const seen = outcomes(
      model,
      (files) => {
        settle(files, 'CURRENT', 'old')
        settle(files, 'CURRENT.new', 'new')
        files.rename('CURRENT.new', 'CURRENT')
      },
      (image) => `${contents(image, 'CURRENT')},${contents(image, 'CURRENT.new')}`,
    )
    expect(seen).toEqual(new Set(['old,new', 'new,undefined']))
  })

  test('a write of many sectors may be torn between two of them', () => {
    const pages = 'a'.repeat(3 * SECTOR_BYTES)
    const seen = outcomes(
      model,
      (files) => {
        write(files, 'a', pages)
        files.syncDirectory('')
      },
      (image) => image.size('a') ?? -1,
    )
    for (const size of [0, SECTOR_BYTES, 2 * SECTOR_BYTES, 3 * SECTOR_BYTES]) expect(seen).toContain(size)
    expect([...seen].every((size) => size % SECTOR_BYTES === 0)).toBe(true)
  })

  test('an unsynced cut may not have happened', () => {
    const seen = outcomes(
      model,
      (files) => {
        settle(files, 'a', 'abcdef')
        files.truncate('a', 2)
      },
      (image) => contents(image, 'a'),
    )
    expect(seen).toEqual(new Set(['abcdef', 'ab']))
  })
})

test('under prefix nothing is there without all that was done before it', () => {
  const seen = outcomes(
    'prefix',
    (files) => {
      files.makeDirectory('d')
      const a = write(files, 'd/a', '1')
      const b = write(files, 'b', '2')
      a.append(text('3'))
      b.append(text('4'))
      files.remove('b')
    },
    (image) => `${contents(image, 'd/a')},${contents(image, 'b')}`,
  )
  expect(seen).toEqual(
    new Set([
      'undefined,undefined',
      ',undefined',
      '1,undefined',
      '1,',
      '1,2',
      '13,2',
      '13,24',
      '13,undefined',
    ]),
  )
})

test('under weak a later write may be there without an earlier one, and the length without either', () => {
  const seen = outcomes(
    'weak',
    (files) => {
      const file = files.create('a')
      files.syncDirectory('')
      file.append(text('1'))
      file.append(text('2'))
    },
    (image) => contents(image, 'a'),
    400,
  )
  expect(seen).toEqual(new Set(['', '1', '\0', '12', '\x002', '1\0', '\0\0']))
})

test('under weak a cut that was lost leaves old bytes behind the ones written over them', () => {
  const seen = outcomes(
    'weak',
    (files) => {
      settle(files, 'a', 'abcdef')
      files.truncate('a', 2)
      files.append('a').append(text('XY'))
    },
    (image) => contents(image, 'a'),
    400,
  )
  expect(seen).toContain('abXYef')
  expect(seen).toContain('abXY')
  expect(seen).toContain('abcdef')
  expect(seen).toContain('ab')
})

test('a rename to another directory leaves the old name, the new one or both, until both are synced', () => {
  const names = (image: FaultFiles): string => `${contents(image, 'd/a')},${contents(image, 'e/b')}`
  const moved =
    (...synced: readonly string[]) =>
    (files: FaultFiles): void => {
      files.makeDirectory('d')
      files.makeDirectory('e')
      files.syncDirectory('')
      settle(files, 'd/a', 'x', 'd')
      files.rename('d/a', 'e/b')
      for (const directory of synced) files.syncDirectory(directory)
    }
  expect(outcomes('weak', moved(), names)).toEqual(new Set(['x,undefined', 'undefined,x', 'x,x']))
  expect(outcomes('weak', moved('d'), names)).toEqual(new Set(['x,undefined', 'undefined,x', 'x,x']))
  expect(outcomes('weak', moved('e'), names)).toEqual(new Set(['undefined,x', 'x,x']))
  for (const both of [
    ['d', 'e'],
    ['e', 'd'],
  ]) {
    expect(outcomes('weak', moved(...both), names)).toEqual(new Set(['undefined,x']))
  }
  expect(outcomes('prefix', moved(), names)).toEqual(new Set(['x,undefined', 'undefined,x']))
})

test('a file whose old name was taken again is not left without a name', () => {
  const within = (files: FaultFiles): void => {
    settle(files, 'a', 'x')
    files.rename('a', 'b')
    files.create('a')
  }
  const two = (image: FaultFiles): string => `${contents(image, 'a')},${contents(image, 'b')}`
  expect(outcomes('weak', within, two)).toEqual(new Set(['x,undefined', 'undefined,x', ',x']))
  const across = (files: FaultFiles): void => {
    files.makeDirectory('d')
    settle(files, 'a', 'x')
    files.rename('a', 'd/b')
    files.create('a')
    files.syncDirectory('')
  }
  const far = (image: FaultFiles): string => `${contents(image, 'a')},${contents(image, 'd/b')}`
  expect(outcomes('weak', across, far)).toEqual(new Set([',x']))
})

test('what a sync settled is not undone by an older change that reaches the disk later', () => {
  const prepare = (files: FaultFiles): void => {
    files.makeDirectory('d')
    files.makeDirectory('e')
    files.syncDirectory('')
    settle(files, 'd/a', 'old', 'd')
    files.rename('d/a', 'e/a')
    settle(files, 'd/a', 'new', 'd')
  }
  for (const model of ['prefix', 'weak'] as const) {
    const seen = outcomes(model, prepare, (image) => `${contents(image, 'd/a')},${contents(image, 'e/a')}`)
    expect(seen).toEqual(new Set(['new,old']))
  }
})

test('under hostile unsynced sectors may hold garbage or bytes of other files, synced ones never', () => {
  const synced = 's'.repeat(700)
  const other = 'o'.repeat(4096)
  const prepare = (files: FaultFiles): void => {
    settle(files, 'other', other)
    files.remove('other')
    settle(files, 'a', synced)
    files.append('a').append(text('n'.repeat(4096)))
  }
  const files = new FaultFiles()
  prepare(files)
  const seen = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const image = files.crash('hostile', seededRandom(seed))
    const size = image.size('a') ?? 0
    const bytes = image.open('a').read(0, size)
    expect(textOfBytes(bytes.subarray(0, 700))).toBe(synced)
    for (const byte of bytes.subarray(700)) seen.add(String.fromCharCode(byte))
  }
  expect(seen).toContain('n')
  expect(seen).toContain('o')
  expect(seen).toContain('s')
  expect(seen).toContain('\0')
  expect(seen.size).toBeGreaterThan(200)
})

/** A disk that knows only one thing: what is there for certain. Written apart from the simulator. */
class CertainFiles {
  readonly #bytes = new Map<number, { live: string; durable: string }>()
  readonly #live = new Map<string, number>()
  readonly #durable = new Map<string, number>()

  apply({ kind, path: name, to, bytes, length }: Step): void {
    const found = this.#live.get(name)
    const file = found === undefined ? undefined : this.#bytes.get(found)
    if (kind === 'create' && found === undefined) {
      this.#live.set(name, this.#bytes.size)
      this.#bytes.set(this.#bytes.size, { live: '', durable: '' })
    }
    if (kind === 'syncDirectory') {
      const inside = (other: string): boolean => other.startsWith('d/') === name.startsWith('d/')
      for (const other of this.#durable.keys()) if (inside(other)) this.#durable.delete(other)
      for (const [other, inode] of this.#live) if (inside(other)) this.#durable.set(other, inode)
    }
    if (file === undefined || found === undefined) return
    if (kind === 'append') file.live += hexOfBytes(bytes)
    if (kind === 'truncate') file.live = file.live.substring(0, 2 * length)
    if (kind === 'sync') file.durable = file.live
    if (kind === 'remove') this.#live.delete(name)
    if (kind === 'link' && !this.#live.has(to)) this.#live.set(to, found)
    const sameDirectory = name.startsWith('d/') === to.startsWith('d/')
    if (kind === 'rename' && sameDirectory && this.#live.get(to) !== found) {
      this.#live.delete(name)
      this.#live.set(to, found)
    }
  }

  certain(): Record<string, string> {
    return Object.fromEntries(
      [...this.#durable].map(([name, inode]) => [name, this.#bytes.get(inode)!.durable]),
    )
  }

  seen(): Record<string, string> {
    return Object.fromEntries([...this.#live].map(([name, inode]) => [name, this.#bytes.get(inode)!.live]))
  }
}

interface Step {
  readonly kind: 'create' | 'append' | 'truncate' | 'sync' | 'remove' | 'link' | 'rename' | 'syncDirectory'
  readonly path: string
  readonly to: string
  readonly bytes: Uint8Array
  readonly length: number
}

const name = fc.constantFrom('a', 'b', 'c', 'd/a', 'd/b')
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...(['create', 'create', 'append', 'append', 'append', 'truncate', 'sync', 'sync'] as const),
    ...(['remove', 'link', 'rename', 'rename', 'syncDirectory', 'syncDirectory'] as const),
  ),
  path: name,
  to: name,
  bytes: fc.uint8Array({ minLength: 1, maxLength: 700 }),
  length: fc.nat({ max: 900 }),
})

/** Does what can be done; renames across directories are left to the tests above. */
function applyTo(files: FaultFiles, { kind, path: from, to, bytes, length }: Step): void {
  const size = kind === 'syncDirectory' ? undefined : files.size(from)
  if (kind === 'syncDirectory') files.syncDirectory(from.startsWith('d/') ? 'd' : '')
  else if (kind === 'create' && size === undefined) files.create(from)
  if (size === undefined) return
  if (kind === 'append') files.append(from).append(bytes)
  if (kind === 'truncate') files.truncate(from, Math.min(length, size))
  if (kind === 'sync') files.append(from).sync()
  if (kind === 'remove') files.remove(from)
  if (kind === 'link' && files.size(to) === undefined) files.link(from, to)
  if (kind === 'rename' && from.startsWith('d/') === to.startsWith('d/')) files.rename(from, to)
}

function everything(files: FaultFiles): Record<string, string> {
  const found: Record<string, string> = {}
  for (const directory of ['', 'd']) {
    for (const entry of files.list(directory) ?? []) {
      const full = directory === '' ? entry : `${directory}/${entry}`
      if (full !== 'd') found[full] = hexOfBytes(files.open(full).read(0, files.size(full) ?? 0))
    }
  }
  return found
}

function preparedFiles(steps: readonly Step[]): { files: FaultFiles; certain: CertainFiles } {
  const files = new FaultFiles()
  const certain = new CertainFiles()
  files.makeDirectory('d')
  files.syncDirectory('')
  for (const one of steps) {
    applyTo(files, one)
    certain.apply(one)
  }
  return { files, certain }
}

test.each([21, 22, Date.now() % 2 ** 31])(
  'after any script nothing unsynced is left by synced-only, and all of it by a process kill (seed %i)',
  (seed) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { files, certain } = preparedFiles(steps)
        expect(everything(files)).toEqual(certain.seen())
        expect(everything(files.crashImage({ kind: 'none' }))).toEqual(certain.certain())
        expect(everything(files.crashImage({ kind: 'all' }))).toEqual(certain.seen())
        const next = files.crash('process-kill', seededRandom(seed))
        expect(everything(next)).toEqual(certain.seen())
        expect(next.pending).toEqual(files.pending)
        expect(everything(next.crash('synced-only', seededRandom(seed)))).toEqual(certain.certain())
      }),
      { seed, numRuns: 150 },
    )
  },
)

test.each([31, 32, Date.now() % 2 ** 31])(
  'after any script and any power cut, what needs no luck is there (seed %i)',
  (seed) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, drawn) => {
        const { files } = preparedFiles(steps)
        for (const model of LOSSY) {
          const image = files.crash(model, seededRandom(drawn))
          const present = everything(image)
          for (const path of ['a', 'b', 'c', 'd/a', 'd/b']) {
            const facts = files.facts(path)
            const isUntouched = !files.pending.some((item) => item.split(' ').includes(path))
            if (facts === undefined || !files.isDurable(path) || !isUntouched) continue
            expect(image.facts(path)?.inode).toBe(facts.inode)
            expect(image.size(path)).toBe(facts.size)
          }
          for (const [path, bytes] of Object.entries(present)) {
            const inode = image.facts(path)?.inode
            expect(inode).toBeDefined()
            expect(bytes.length).toBeLessThanOrEqual(2 * 700 * 40)
          }
        }
      }),
      { seed, numRuns: 100 },
    )
  },
)
