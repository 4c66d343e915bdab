/** What each crash model promises: what was synced is there, and what was not may or may not be. */
import { randomInt } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfText, hexOfBytes } from '../../src/base/bytes.ts'
import { CRASH_MODELS, type CrashModel, SECTOR_BYTES } from '../../src/simulator/crash-models.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type AppendFile, type FileSystem } from '../../src/storage/files.ts'

const text = bytesOfText
const POWER_CUTS = CRASH_MODELS.filter((model) => model !== 'process-kill')
const LOSSY = ['prefix', 'weak', 'hostile'] as const

function contents(files: FileSystem, path: string): string | undefined {
  const size = files.size(path)
  return size === undefined ? undefined : String.fromCharCode(...files.open(path).read(0, size))
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
    const before = [first.imageKey(), first.pending, files.pending]
    const second = files.crashImage(choice)
    second.append('a').append(text('second'))
    second.truncate('a', 1)
    second.append('a').append(text('third'))
    expect([first.imageKey(), first.pending, files.pending]).toEqual(before)
    file.append(text('original goes on'))
    expect([first.imageKey(), first.pending]).toEqual(before.slice(0, 2))
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
  next.append('b').append(text('four'))
  expect(next.pending).toEqual([...files.pending, 'append b 5+4'])
  const items = [...next.crashChoices({ random: seededRandom(1), drawn: 0 })].map(
    (choice) => 'item' in choice && choice.item,
  )
  expect(new Set(items).size).toBe(1 + next.pending.length)
  next.truncate('b', 5)
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

  test('sectors lie at multiples of their size in the file, wherever a write begins', () => {
    const sizes = outcomes(
      model,
      (files) => {
        settle(files, 'a', 'x'.repeat(100))
        files.append('a').append(text('y'.repeat(1000)))
      },
      (image) => image.size('a'),
    )
    expect(sizes).toEqual(new Set([100, SECTOR_BYTES, 2 * SECTOR_BYTES, 1100]))
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

test('under hostile bytes that came without their length may be seen after another crash, in the place of new ones', () => {
  const seenAfter = (first: CrashModel): Set<string | undefined> => {
    const seen = new Set<string | undefined>()
    for (let seed = 0; seed < 2000; seed++) {
      const files = new FaultFiles()
      settle(files, 'a', 'x')
      files.append('a').append(text('older'))
      const image = files.crash(first, seededRandom(seed))
      if (contents(image, 'a') !== 'x') continue
      image.append('a').append(text('newer'))
      seen.add(contents(image.crash('hostile', seededRandom(seed)), 'a'))
    }
    return seen
  }
  expect(seenAfter('weak')).toContain('xolder')
  expect(seenAfter('synced-only')).not.toContain('xolder')
})

test('a rename over a file whose bytes were not synced may leave it empty or in part', () => {
  const seen = outcomes(
    'weak',
    (files) => {
      settle(files, 'CURRENT', 'old')
      write(files, 'CURRENT.new', 'n'.repeat(2 * SECTOR_BYTES))
      files.rename('CURRENT.new', 'CURRENT')
    },
    (image) => contents(image, 'CURRENT')?.length,
  )
  for (const length of [3, 0, SECTOR_BYTES, 2 * SECTOR_BYTES]) expect(seen).toContain(length)
  expect(seen).not.toContain(undefined)
})

test('a cut that landed leaves nothing of the old bytes, and makes no file longer', () => {
  const files = new FaultFiles()
  settle(files, 'a', 'abcdef')
  files.truncate('a', 2)
  const file = files.append('a')
  file.append(text('X'))
  file.append(text('Y'))
  settle(files, 'b', 'ab')
  files.append('b').append(text('cdef'))
  files.truncate('b', 4)
  const choices = [...files.crashChoices({ random: seededRandom(1), drawn: 0 })]
  const after = (kind: string, what: string, path: string): string | undefined => {
    const choice = choices.find((one) => one.kind === kind && 'what' in one && one.what === what)
    return choice && contents(files.crashImage(choice), path)
  }
  expect(after('without', 'append a 2+1', 'a')).toBe('ab\0Y')
  expect(after('only', 'truncate b to 4', 'b')).toBe('ab')
})

test('a removal takes a name only from the file that it was removed from', () => {
  const files = new FaultFiles()
  settle(files, 'a', 'old')
  settle(files, 'b', 'new')
  files.rename('b', 'a')
  files.remove('a')
  const choices = [...files.crashChoices({ random: seededRandom(1), drawn: 0 })]
  const removal = choices.find((choice) => choice.kind === 'only' && choice.what === 'remove a')
  const image = files.crashImage(removal ?? expect.unreachable())
  expect([contents(image, 'a'), contents(image, 'b')]).toEqual(['old', 'new'])
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

test('under hostile unsynced sectors may hold garbage or bytes that were in other files, synced ones never', () => {
  const synced = 's'.repeat(700)
  const files = new FaultFiles()
  settle(files, 'other', 'o'.repeat(4096))
  files.remove('other')
  files.syncDirectory('')
  settle(files, 'a', synced)
  files.append('a').append(text('n'.repeat(4096)))
  const seen = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const image = files.crash('hostile', seededRandom(seed))
    const bytes = contents(image, 'a') ?? ''
    expect(bytes.substring(0, 700)).toBe(synced)
    // What a sector holds: one letter, or many different ones.
    for (let at = 2 * SECTOR_BYTES; at + SECTOR_BYTES <= bytes.length; at += SECTOR_BYTES) {
      const letters = new Set(bytes.substring(at, at + SECTOR_BYTES))
      seen.add(letters.size > 100 ? 'garbage' : [...letters].join(''))
    }
  }
  for (const sector of ['n', 'o', '\0', 'garbage']) expect(seen).toContain(sector)
})

test('a name that was settled keeps its file, whatever older change of it reaches the disk', () => {
  const files = new FaultFiles({
    plan: [{ kind: 'error', operation: 'syncDirectory', nth: 3, errno: 'EIO' }],
  })
  files.makeDirectory('d')
  files.syncDirectory('')
  settle(files, 'a', 'moved')
  write(files, 'c', 'abandoned')
  expect(() => files.syncDirectory('')).toThrow()
  files.remove('c')
  settle(files, 'c', 'settled')
  write(files, 'd/b', 'older')
  files.rename('a', 'd/b')
  files.create('a')
  files.syncDirectory('')
  for (const disk of [files, files.crash('process-kill', seededRandom(1))]) {
    for (const choice of [{ kind: 'none' }, { kind: 'all' }] as const) {
      const image = disk.crashImage(choice)
      expect([contents(image, 'c'), contents(image, 'd/b')]).toEqual(['settled', 'moved'])
    }
  }
})

/** What is known of one file of the model disk; bytes in hexadecimal. */
interface ModelFile {
  live: string
  durable: string
  /** Whether it was cut since its last sync. */
  isCut: boolean
  /** Whether a name was taken from it, other than by renaming it. */
  lostName: boolean
  longest: number
  readonly names: Set<string>
  /** By offset, every byte that was ever written there. */
  readonly written: Set<string>[]
}

/** A disk that knows only what is seen and what is there for certain. Written apart from the simulator. */
class ModelDisk {
  /** In the order in which they were created, which is that of their inode numbers. */
  readonly files: ModelFile[] = []
  readonly #live = new Map<string, ModelFile>()
  readonly #durable = new Map<string, ModelFile>()

  apply({ kind, path: name, to, bytes, length }: Step): void {
    const file = this.#live.get(name)
    if (kind === 'create' && file === undefined) {
      const fresh = {
        live: '',
        durable: '',
        isCut: false,
        lostName: false,
        longest: 0,
        names: new Set<string>(),
      }
      this.#live.set(name, { ...fresh, written: [] })
      this.files.push(this.#live.get(name)!)
    }
    if (kind === 'syncDirectory') {
      for (const other of this.#durable.keys()) if (sameDirectory(name, other)) this.#durable.delete(other)
      for (const [other, inode] of this.#live) if (sameDirectory(name, other)) this.#durable.set(other, inode)
    }
    if (file !== undefined) this.#change(file, { kind, path: name, to, bytes, length })
    for (const [other, inode] of this.#live) inode.names.add(other)
  }

  #change(file: ModelFile, { kind, path: name, to, bytes, length }: Step): void {
    if (kind === 'append') {
      for (const [i, byte] of bytes.entries())
        (file.written[file.live.length / 2 + i] ??= new Set()).add(hex(byte))
      file.live += hexOfBytes(bytes)
      file.longest = Math.max(file.longest, file.live.length)
    }
    if (kind === 'truncate') {
      file.isCut ||= 2 * length < file.live.length
      file.live = file.live.substring(0, 2 * length)
    }
    if (kind === 'sync') Object.assign(file, { durable: file.live, isCut: false })
    if (kind === 'remove') {
      this.#live.delete(name)
      file.lostName = true
    }
    const replaced = this.#live.get(to)
    if (kind === 'link' && replaced === undefined) this.#live.set(to, file)
    if (kind === 'rename' && sameDirectory(name, to) && replaced !== file) {
      if (replaced !== undefined) replaced.lostName = true
      this.#live.delete(name)
      this.#live.set(to, file)
    }
  }

  certain(): Record<string, string> {
    return Object.fromEntries([...this.#durable].map(([path, file]) => [path, file.durable]))
  }

  seen(): Record<string, string> {
    return Object.fromEntries([...this.#live].map(([path, file]) => [path, file.live]))
  }

  /** Files that have a name which is durable, and never lost one. */
  lasting(): readonly ModelFile[] {
    return [...this.#durable.values()].filter((file) => !file.lostName)
  }
}

function sameDirectory(one: string, other: string): boolean {
  return one.startsWith('d/') === other.startsWith('d/')
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
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
  if (kind === 'rename' && sameDirectory(from, to)) files.rename(from, to)
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

function preparedFiles(steps: readonly Step[]): { files: FaultFiles; model: ModelDisk } {
  const files = new FaultFiles()
  const model = new ModelDisk()
  files.makeDirectory('d')
  files.syncDirectory('')
  for (const one of steps) {
    applyTo(files, one)
    model.apply(one)
  }
  return { files, model }
}

test.each([21, 22, randomInt(2 ** 31)])(
  'after any script nothing unsynced is left by synced-only, and all of it by a process kill (seed %i)',
  (seed) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { files, model } = preparedFiles(steps)
        expect(everything(files)).toEqual(model.seen())
        expect(everything(files.crashImage({ kind: 'none' }))).toEqual(model.certain())
        expect(everything(files.crashImage({ kind: 'all' }))).toEqual(model.seen())
        const next = files.crash('process-kill', seededRandom(seed))
        expect(everything(next)).toEqual(model.seen())
        expect(next.pending).toEqual(files.pending)
        expect(everything(next.crash('synced-only', seededRandom(seed)))).toEqual(model.certain())
      }),
      { seed, numRuns: 150 },
    )
  },
)

test.each([31, 32, randomInt(2 ** 31)])(
  'after any script and power cut, nothing synced is lost and nothing is there that never was (seed %i)',
  (seed) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, drawn) => {
        const { files, model } = preparedFiles(steps)
        const durable = Object.entries(everything(files)).filter(([path]) => files.isDurable(path))
        for (const crashModel of LOSSY) {
          const image = files.crash(crashModel, seededRandom(drawn))
          expect(everything(image)).toMatchObject(Object.fromEntries(durable))
          const present = Object.entries(everything(image)).map(([path, bytes]) => {
            const file = model.files[(image.facts(path)?.inode ?? 0) - 1]
            return { path, bytes, file: file ?? expect.unreachable('a file that never was') }
          })
          for (const { path, bytes, file } of present) {
            expect(file.names).toContain(path)
            expect(bytes.length).toBeLessThanOrEqual(file.longest)
            if (!file.isCut) expect(bytes.substring(0, file.durable.length)).toBe(file.durable)
            if (crashModel !== 'hostile') expectWritten(bytes, file)
          }
          for (const file of model.lasting()) expect(present.some((other) => other.file === file)).toBe(true)
        }
      }),
      { seed, numRuns: 100 },
    )
  },
)

/** Every byte was once written where it is, or is a zero where nothing landed. */
function expectWritten(bytes: string, file: ModelFile): void {
  for (let i = 0; 2 * i < bytes.length; i++) {
    const byte = bytes.substring(2 * i, 2 * i + 2)
    if (byte !== '00' && file.written[i]?.has(byte) !== true)
      expect.unreachable(`${byte} was never written at ${i}`)
  }
}
