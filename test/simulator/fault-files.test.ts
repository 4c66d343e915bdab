/** The fault-injecting file system: what it counts, shows and lets fail, and what a crash ends. */
import { expect, test } from 'vitest'
import { bytesOfText, textOfBytes } from '../../src/base/bytes.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { FaultFiles, type FileCall } from '../../src/simulator/fault-files.ts'
import { type Fault, SimulatedCrash } from '../../src/simulator/fault-plan.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type FileOperation } from '../../src/storage/file-rules.ts'
import { type FileSystem } from '../../src/storage/files.ts'
import { refusal } from '../storage/samples.ts'

const text = bytesOfText

function errnoOf(action: () => unknown): unknown {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof PalimpsestError) return error.details['errno']
    throw error
  }
}

function contents(files: FileSystem, path: string): string | undefined {
  const size = files.size(path)
  return size === undefined ? undefined : textOfBytes(files.open(path).read(0, size))
}

/** A file with synced bytes and a synced name. */
function settled(files: FaultFiles, path: string, bytes: string): void {
  const file = files.create(path)
  file.append(text(bytes))
  file.sync()
  file.close()
  files.syncDirectory('')
}

test('calls that change something have numbers, others are counted by kind only', () => {
  const files = new FaultFiles({ log: true })
  const file = files.create('a')
  file.append(text('abc'))
  file.sync()
  file.close()
  files.open('a').read(1, 2)
  files.size('a')
  files.list('')
  files.rename('a', 'b')
  expect(files.operations).toBe(4)
  expect(files.count('append')).toBe(1)
  expect(files.count('read')).toBe(1)
  expect(files.count('link')).toBe(0)
  expect(files.log).toEqual([
    '1 create "a"',
    '2 append "a" 0+3',
    '3 sync "a"',
    '- close "a"',
    '- open "a"',
    '- read "a" 1+2',
    '- size "a"',
    '- list ""',
    '4 rename "a" to "b"',
  ])
})

test('a planned crash ends the process before the call of its number', () => {
  for (let at = 1; at <= 4; at++) {
    const files = new FaultFiles({ plan: [{ kind: 'crash', at }] })
    const run = (): void => {
      const file = files.create('a')
      file.append(text('x'))
      file.append(text('y'))
      file.sync()
    }
    expect(run).toThrow(SimulatedCrash)
    expect(files.operations).toBe(at - 1)
    expect(files.crashed).toBe(true)
    const image = files.crash('process-kill', seededRandom(1))
    expect(contents(image, 'a')).toBe([undefined, '', 'x', 'xy'][at - 1])
  }
})

const ERROR = { kind: 'error', operation: 'sync', nth: 1, errno: 'EIO' }
const FLIP = { kind: 'flip', nth: 1, bit: 0 }

test.each([
  ['no list', { kind: 'crash', at: 1 }],
  ['a text', 'crash'],
  ['nothing in it', [undefined]],
  ['an unknown kind', [{ ...ERROR, kind: 'eror' }]],
  ['no kind', [{ nth: 1 }]],
  ['a crash at no number', [{ kind: 'crash', at: NaN }]],
  ['a crash nowhere', [{ kind: 'crash' }]],
  ['a crash before the first call', [{ kind: 'crash', at: 0 }]],
  ['the 0th call', [{ ...ERROR, nth: 0 }]],
  ['a count in text', [{ ...ERROR, nth: '1' }]],
  ['half a call', [{ ...FLIP, nth: 1.5 }]],
  ['an unknown operation', [{ ...ERROR, operation: 'fsync' }]],
  ['no operation', [{ kind: 'error', nth: 1, errno: 'EIO' }]],
  ['an error without an errno', [{ kind: 'error', operation: 'sync', nth: 1 }]],
  ['a part of no size', [{ ...ERROR, operation: 'append', written: -1 }]],
  ['an effect of a call that has none', [{ ...ERROR, took: true }]],
  ['a path that is no text', [{ ...ERROR, path: 5 }]],
  ['something else than stickiness', [{ ...ERROR, sticky: 'no' }]],
  ['a lie that is no sync', [{ kind: 'lie', operation: 'append', nth: 1 }]],
  ['a bit before the first', [{ ...FLIP, bit: -1 }]],
  ['a bit that is no number', [{ ...FLIP, bit: NaN }]],
])('a plan with %s is refused', (_, plan) => {
  expect(refusal(() => new FaultFiles({ plan: plan as never }))?.code).toBe('INVALID_ARGUMENT')
  const files = new FaultFiles()
  expect(refusal(() => files.crashImage({ kind: 'none' }, { plan: plan as never }))?.code).toBe(
    'INVALID_ARGUMENT',
  )
})

test.each([
  ['null', null],
  ['a plan instead of options', [{ kind: 'crash', at: 1 }]],
  ['a plan in text', { plan: 'crash' }],
  ['a name instead of a function', { onOperation: 'log' }],
  ['a seed in text', { seed: '7' }],
  ['a seed that is no number', { seed: NaN }],
])('files with %s are refused, of images too, and nothing ends', (_, options) => {
  expect(refusal(() => new FaultFiles(options as never))?.code).toBe('INVALID_ARGUMENT')
  const files = new FaultFiles()
  const image = () => files.crashImage({ kind: 'none' }, options as never)
  const crash = () => files.crash('weak', seededRandom(1), options as never)
  for (const call of [image, crash]) expect(refusal(call)?.code).toBe('INVALID_ARGUMENT')
  expect(files.crashed).toBe(false)
})

test('after a crash every call of the old process throws, and changes nothing', () => {
  const files = new FaultFiles()
  const file = files.create('a')
  file.append(text('x'))
  const reader = files.open('a')
  const closed = files.open('a')
  closed.close()
  const lock = files.lock('LOCK')
  files.makeDirectory('d')
  const image = files.crash('process-kill', seededRandom(1))
  const before = image.imageKey()
  const calls = [
    () => files.create('b'),
    () => files.append('a'),
    () => files.open('a'),
    () => files.size('a'),
    () => files.truncate('a', 0),
    () => files.rename('a', 'b'),
    () => files.link('a', 'b'),
    () => files.remove('a'),
    () => files.list(''),
    () => files.makeDirectory('e'),
    () => files.syncDirectory(''),
    () => files.lock('OTHER'),
    () => file.append(text('y')),
    () => file.sync(),
    () => file.close(),
    () => reader.read(0, 1),
    () => reader.close(),
    () => closed.close(),
    () => lock.release(),
  ]
  for (const call of calls) expect(call).toThrow(SimulatedCrash)
  expect(image.imageKey()).toBe(before)
  expect(files.crash('process-kill', seededRandom(2)).imageKey()).toBe(before)
})

test('the locks of a process end with it', () => {
  const files = new FaultFiles()
  files.lock('LOCK')
  files.syncDirectory('')
  const next = files.crash('synced-only', seededRandom(1))
  expect(next.list('')).toEqual(['LOCK'])
  const lock = next.lock('LOCK')
  expect(() => next.lock('LOCK')).toThrow(/holds the lock/)
  lock.release()
  expect(next.list('')).toEqual([])
})

test('a release that failed can be repeated, and keeps nobody out', () => {
  const plan: Fault[] = [{ kind: 'error', operation: 'unlock', nth: 1, errno: 'EIO' }]
  const files = new FaultFiles({ plan })
  const first = files.lock('LOCK')
  expect(errnoOf(() => first.release())).toBe('EIO')
  const second = files.lock('LOCK')
  first.release()
  expect(() => files.lock('LOCK')).toThrow(/holds the lock/)
  second.release()
  second.release()
  expect(files.list('')).toEqual([])
})

test('a planned error hits the nth call of its kind, once or from then on', () => {
  const fault: Fault = { kind: 'error', operation: 'rename', nth: 2, errno: 'EACCES' }
  const outcomes = (plan: readonly Fault[]): unknown[] => {
    const files = new FaultFiles({ plan })
    settled(files, 'a', 'x')
    return [1, 2, 3, 4].map((i) =>
      errnoOf(() => files.rename(i % 2 === 1 ? 'a' : 'b', i % 2 === 1 ? 'b' : 'a')),
    )
  }
  expect(outcomes([fault])).toEqual([undefined, 'EACCES', 'ENOENT', undefined])
  expect(outcomes([{ ...fault, sticky: true }])).toEqual([undefined, 'EACCES', 'EACCES', 'EACCES'])
})

test('a planned error can be about some paths only', () => {
  const plan: Fault[] = [{ kind: 'error', operation: 'create', nth: 2, errno: 'EMFILE', path: '.sst' }]
  const files = new FaultFiles({ plan })
  const errnos = ['1.sst', '2.log', '3.sst', '4.sst'].map((path) => errnoOf(() => files.create(path)))
  expect(errnos).toEqual([undefined, undefined, 'EMFILE', undefined])
  expect(files.list('')?.toSorted()).toEqual(['1.sst', '2.log', '4.sst'])
  const renames: Fault[] = [{ kind: 'error', operation: 'rename', nth: 1, errno: 'EIO', path: 'CURRENT' }]
  const others = new FaultFiles({ plan: renames })
  settled(others, 'a', 'x')
  others.rename('a', 'b')
  expect(errnoOf(() => others.rename('b', 'CURRENT'))).toBe('EIO')
})

test('what is no bytes is not appended', () => {
  const files = new FaultFiles()
  const file = files.create('a')
  for (const wrong of ['text', new ArrayBuffer(3), undefined])
    expect(refusal(() => file.append(wrong as never))?.code).toBe('INVALID_ARGUMENT')
  expect([file.size, files.count('append')]).toEqual([0, 0])
})

test('a call can fail after it took effect', () => {
  const steps: readonly (readonly [FileOperation, (files: FaultFiles) => unknown])[] = [
    ['makeDirectory', (files) => files.makeDirectory('d')],
    ['create', (files) => files.create('b')],
    ['link', (files) => files.link('a', 'c')],
    ['rename', (files) => files.rename('a', 'e')],
    ['truncate', (files) => files.truncate('e', 1)],
    ['remove', (files) => files.remove('c')],
  ]
  const faults = steps.map(([operation]): Fault => {
    return { kind: 'error', operation, nth: operation === 'create' ? 2 : 1, errno: 'EIO', took: true }
  })
  const failing = new FaultFiles({ plan: faults })
  const other = new FaultFiles()
  for (const files of [failing, other]) settled(files, 'a', 'xyz')
  for (const [operation, step] of steps) {
    expect(
      errnoOf(() => step(failing)),
      operation,
    ).toBe('EIO')
    step(other)
    expect(failing.imageKey(), operation).toBe(other.imageKey())
  }
  expect(failing.pending).toEqual(other.pending)
})

test('an append that fails writes a part first', () => {
  const run = (written?: number): string | undefined => {
    const fault: Fault = { kind: 'error', operation: 'append', nth: 2, errno: 'ENOSPC', written }
    const files = new FaultFiles({ plan: [fault] })
    const file = files.create('a')
    file.append(text('12'))
    expect(errnoOf(() => file.append(text('abcdef')))).toBe('ENOSPC')
    expect(file.size).toBe(files.size('a'))
    return contents(files, 'a')
  }
  expect(run()).toBe('12abc')
  expect(run(0)).toBe('12')
  expect(run(6)).toBe('12abcdef')
})

test('after a failed sync the bytes are seen but never durable, and later bytes are', () => {
  const plan: Fault[] = [{ kind: 'error', operation: 'sync', nth: 2, errno: 'EIO' }]
  const files = new FaultFiles({ plan })
  const file = files.create('a')
  file.append(text('one'))
  file.sync()
  files.syncDirectory('')
  file.append(text('two'))
  expect(errnoOf(() => file.sync())).toBe('EIO')
  file.sync()
  expect(contents(files, 'a')).toBe('onetwo')
  expect(contents(files.crashImage({ kind: 'none' }), 'a')).toBe('one')
  file.append(text('three'))
  file.sync()
  expect(files.isDurable('a')).toBe(false)
  expect(contents(files, 'a')).toBe('onetwothree')
  expect(contents(files.crashImage({ kind: 'none' }), 'a')).toBe('one\0\0\0three')
  expect(contents(files.crashImage({ kind: 'all' }), 'a')).toBe('onetwothree')
  expect(contents(files.crash('process-kill', seededRandom(1)), 'a')).toBe('onetwothree')
})

test('what a failed sync lost stays under a cut that came after it', () => {
  const plan: Fault[] = [{ kind: 'error', operation: 'sync', nth: 1, errno: 'EIO' }]
  const files = new FaultFiles({ plan })
  const file = files.create('a')
  file.append(text('lost'))
  expect(errnoOf(() => file.sync())).toBe('EIO')
  files.truncate('a', 2)
  file.append(text('new'))
  file.sync()
  files.syncDirectory('')
  expect(contents(files.crashImage({ kind: 'none' }), 'a')).toBe('\0\0new')
  expect(contents(files.crashImage({ kind: 'all' }), 'a')).toBe('lonew')
})

test('after a failed sync of a directory its names are never durable', () => {
  const plan: Fault[] = [{ kind: 'error', operation: 'syncDirectory', nth: 1, errno: 'EIO' }]
  const files = new FaultFiles({ plan })
  files.create('a')
  expect(errnoOf(() => files.syncDirectory(''))).toBe('EIO')
  files.create('b')
  files.syncDirectory('')
  expect(files.list('')?.toSorted()).toEqual(['a', 'b'])
  expect(files.crashImage({ kind: 'none' }).list('')).toEqual(['b'])
  expect(files.crashImage({ kind: 'all' }).list('')?.toSorted()).toEqual(['a', 'b'])
})

test('a sync that lies makes nothing durable', () => {
  const files = new FaultFiles({ plan: [{ kind: 'lie', operation: 'sync', nth: 1 }] })
  const file = files.create('a')
  files.syncDirectory('')
  file.append(text('x'))
  file.sync()
  expect(contents(files.crashImage({ kind: 'none' }), 'a')).toBe('')
  file.sync()
  expect(contents(files.crashImage({ kind: 'none' }), 'a')).toBe('x')
})

test('a read can fail, end early, or return one bit wrong; the file stays as it is', () => {
  const plan: Fault[] = [
    { kind: 'error', operation: 'read', nth: 1, errno: 'EIO' },
    { kind: 'error', operation: 'read', nth: 2, errno: 'EOF' },
    { kind: 'flip', nth: 3, bit: 9 },
  ]
  const files = new FaultFiles({ plan })
  settled(files, 'a', 'abc')
  const file = files.open('a')
  expect(errnoOf(() => file.read(0, 3))).toBe('EIO')
  expect(errnoOf(() => file.read(0, 3))).toBe('EOF')
  expect([...file.read(0, 3)]).toEqual([0x61, 0x62 ^ 2, 0x63])
  expect(textOfBytes(file.read(0, 3))).toBe('abc')
})

test('a handle is closed even if closing fails', () => {
  const files = new FaultFiles({ plan: [{ kind: 'error', operation: 'close', nth: 1, errno: 'EIO' }] })
  const file = files.create('a')
  expect(errnoOf(() => file.close())).toBe('EIO')
  expect(errnoOf(() => file.append(text('x')))).toBe('EBADF')
})

test('an observer hears of each call before it is made, and can ask what is durable', () => {
  const calls: FileCall[] = []
  const durable: unknown[] = []
  const files: FaultFiles = new FaultFiles({
    onOperation(call) {
      calls.push({ ...call, bytes: call.bytes && new Uint8Array(call.bytes) })
      durable.push(files.facts('a') && [files.facts('a')?.bytesDurable, files.facts('a')?.nameDurable])
    },
  })
  const file = files.create('a')
  file.append(text('x'))
  file.sync()
  files.syncDirectory('')
  files.link('a', 'b')
  expect(calls.map(({ operation, index, path, to }) => [index, operation, path, to])).toEqual([
    [1, 'create', 'a', undefined],
    [2, 'append', 'a', undefined],
    [3, 'sync', 'a', undefined],
    [4, 'syncDirectory', '', undefined],
    [5, 'link', 'a', 'b'],
  ])
  expect(calls[1]).toMatchObject({ offset: 0, length: 1, bytes: text('x') })
  expect(durable).toEqual([undefined, [true, false], [false, false], [true, false], [true, true]])
  expect(files.isDurable('a')).toBe(true)
  expect(files.isDurable('b')).toBe(false)
  expect(files.isDurable('none')).toBe(false)
  expect(files.facts('b')?.inode).toBe(files.facts('a')?.inode)
})

test('a name is durable only if the directories on the way to it are', () => {
  const files = new FaultFiles()
  files.makeDirectory('d/e')
  files.create('d/e/a')
  files.syncDirectory('d/e')
  files.syncDirectory('')
  expect(files.isDurable('d/e/a')).toBe(false)
  expect(files.crashImage({ kind: 'none' }).list('d')).toEqual([])
  expect(files.isDurable('d')).toBe(true)
  expect(files.isDurable('d/e')).toBe(false)
  files.syncDirectory('d')
  expect(files.isDurable('d/e/a')).toBe(true)
  expect(files.crashImage({ kind: 'none' }).size('d/e/a')).toBe(0)
})

test('a name is not durable while a change of it is pending that a power cut may keep alone', () => {
  const prepared = (...changes: readonly ((files: FaultFiles) => void)[]) => {
    const files = new FaultFiles()
    settled(files, 'a', 'x')
    settled(files, 'c', 'y')
    for (const change of changes) change(files)
    return files
  }
  const there = (files: FaultFiles) => files.rename('a', 'b')
  const back = (files: FaultFiles) => files.rename('b', 'a')
  const files = prepared(there, back)
  const [, , , , only] = [...files.crashChoices({ random: seededRandom(1), drawn: 0 })]
  expect(files.crashImage(only!).list('')?.toSorted()).toEqual(['b', 'c'])
  expect([files.isDurable('a'), files.facts('a')?.nameDurable]).toEqual([false, false])
  expect([files.isDurable('c'), files.facts('c')?.nameDurable]).toEqual([true, true])
  files.syncDirectory('')
  expect(files.isDurable('a')).toBe(true)
  const replaced = prepared(
    (disk) => disk.link('a', 'b'),
    (disk) => disk.rename('c', 'a'),
    (disk) => disk.rename('b', 'a'),
  )
  expect([replaced.isDurable('a'), replaced.facts('a')?.nameDurable]).toEqual([false, false])
})

test('names are listed in an order of the seed, not in that of their making or of the alphabet', () => {
  const names = Array.from({ length: 12 }, (_, i) => `${String(i).padStart(6, '0')}.sst`)
  const listed = (seed: number, order: readonly string[]): readonly string[] | undefined => {
    const files = new FaultFiles({ seed })
    for (const name of order) files.create(name)
    return files.list('')
  }
  expect(listed(1, names)).toEqual(listed(1, names.toReversed()))
  expect(listed(1, names)).not.toEqual(listed(2, names))
  expect(listed(1, names)).not.toEqual(names)
  expect(listed(1, names)?.toSorted()).toEqual(names)
})
