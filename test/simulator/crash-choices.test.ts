/** Crash images by name: a few for each moment, each of which can be built again from its name. */
import { expect, test } from 'vitest'
import { bytesOfText, textOfBytes } from '../../src/base/bytes.ts'
import { type CrashChoice, describeChoice } from '../../src/simulator/crash-choices.ts'
import { CRASH_MODELS, type CrashModel } from '../../src/simulator/crash-models.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { refusal } from '../storage/samples.ts'

function prepared(): FaultFiles {
  const files = new FaultFiles()
  const file = files.create('log')
  files.syncDirectory('')
  file.append(bytesOfText('one'))
  file.append(bytesOfText('two'))
  files.rename('log', 'LOG')
  return files
}

function look(image: FaultFiles): string {
  const [path] = image.list('') ?? []
  return path === undefined ? '' : `${path}:${textOfBytes(image.open(path).read(0, image.size(path) ?? 0))}`
}

test('the choices of a moment are none, all, each missing, each alone, and some that are drawn', () => {
  const files = prepared()
  const choices = [...files.crashChoices({ random: seededRandom(1), drawn: 2, models: ['weak', 'prefix'] })]
  expect(choices.map(describeChoice).map((text) => text.replace(/seed \d+/, 'seed N'))).toEqual([
    'nothing unsynced',
    'everything',
    'all but #2: append log 0+3',
    'all but #3: append log 3+3',
    'all but #4: rename log to LOG',
    'only #2: append log 0+3',
    'only #3: append log 3+3',
    'only #4: rename log to LOG',
    'weak, seed N',
    'prefix, seed N',
  ])
  expect(choices.slice(0, 8).map((choice) => look(files.crashImage(choice)))).toEqual([
    'log:',
    'LOG:onetwo',
    'LOG:\0\0\0two',
    'LOG:one',
    'log:onetwo',
    'log:one',
    'log:\0\0\0two',
    'LOG:',
  ])
})

test('a choice is plain data and builds the same image in another run', () => {
  const options = () => ({ random: seededRandom(9), drawn: 20 })
  const choices = [...prepared().crashChoices(options())]
  expect(choices).toEqual([...prepared().crashChoices(options())])
  for (const choice of choices) {
    const replayed = JSON.parse(JSON.stringify(choice)) as CrashChoice
    expect(prepared().crashImage(replayed).imageKey()).toBe(prepared().crashImage(choice).imageKey())
  }
})

test('images that hold the same have the same key, others have others', () => {
  const files = prepared()
  const looksOf = (models: readonly CrashModel[]): ReadonlyMap<string, string> => {
    const byKey = new Map<string, string>()
    for (const choice of files.crashChoices({ random: seededRandom(2), drawn: 200, models })) {
      const image = files.crashImage(choice)
      const known = byKey.get(image.imageKey())
      if (known !== undefined) expect(look(image)).toBe(known)
      byKey.set(image.imageKey(), look(image))
    }
    return byKey
  }
  const byKey = looksOf(['prefix'])
  expect(byKey.size).toBeGreaterThan(6)
  expect(new Set(byKey.values()).size).toBe(byKey.size)
  // Data that came without its length cannot be looked at.
  const withUnseen = looksOf(['weak'])
  expect(new Set(withUnseen.values()).size).toBeLessThan(withUnseen.size)
})

test('data that landed behind the end of a file tells images apart, through later crashes too', () => {
  const files = new FaultFiles()
  files.create('log')
  files.syncDirectory('')
  files.append('log').append(bytesOfText('one'))
  const byKey = new Map<string, FaultFiles>()
  for (let seed = 0; seed < 200; seed++) {
    const image = files.crashImage({ kind: 'drawn', model: 'weak', seed })
    if (look(image) === 'log:') byKey.set(image.imageKey(), image)
  }
  expect(byKey.size).toBe(2)
  expect([...byKey.keys()]).toContain(files.crashImage({ kind: 'none' }).imageKey())
  for (const [key, image] of byKey)
    for (const model of CRASH_MODELS) expect(image.crash(model, seededRandom(1)).imageKey()).toBe(key)
})

test('a file without a name that could come back counts for nothing, asked for before or not', () => {
  const files = new FaultFiles()
  const file = files.create('log')
  files.syncDirectory('')
  file.append(bytesOfText('one'))
  files.remove('log')
  files.syncDirectory('')
  const key = files.imageKey()
  expect(key).toBe(new FaultFiles().imageKey())
  expect(files.pending).toEqual([])
  expect(files.imageKey()).toBe(key)
  file.append(bytesOfText('two'))
  expect(files.imageKey()).toBe(key)
})

test('a disk with nothing pending has the key of its images', () => {
  const files = prepared()
  files.append('LOG').sync()
  expect(files.crashImage({ kind: 'none' }).imageKey()).not.toBe(files.imageKey())
  files.syncDirectory('')
  for (const choice of files.crashChoices({ random: seededRandom(1), drawn: 10 })) {
    expect(files.crashImage(choice).imageKey()).toBe(files.imageKey())
  }
})

test('a link and a copy have different keys', () => {
  const linked = new FaultFiles()
  linked.create('a').append(bytesOfText('x'))
  linked.link('a', 'b')
  const copied = new FaultFiles()
  copied.create('a').append(bytesOfText('x'))
  copied.create('b').append(bytesOfText('x'))
  const key = (files: FaultFiles): string => files.crashImage({ kind: 'all' }).imageKey()
  expect(key(linked)).not.toBe(key(copied))
})

test('a moment with nothing pending has one choice besides those that are drawn', () => {
  const files = new FaultFiles()
  expect([...files.crashChoices({ random: seededRandom(1), drawn: 0 })]).toEqual([{ kind: 'none' }])
})

test('of too many pending things a sample is taken singly', () => {
  const files = new FaultFiles()
  for (let i = 0; i < 50; i++) files.create(String(i))
  const choices = [...files.crashChoices({ random: seededRandom(1), drawn: 0, singlesMax: 7 })]
  expect(choices.filter(({ kind }) => kind === 'without').length).toBe(7)
  expect(choices.filter(({ kind }) => kind === 'only').length).toBe(7)
  const first = [...files.crashChoices({ random: seededRandom(2), drawn: 0, singlesMax: 7 })]
  expect(first).not.toEqual(choices)
})

test.each([
  undefined,
  { kind: 'al' },
  {},
  { kind: 'drawn', model: 'hostil', seed: 1 },
  { kind: 'drawn', seed: 1 },
  { kind: 'drawn', model: 'weak', seed: NaN },
  { kind: 'drawn', model: 'weak' },
  { kind: 'only', item: 99, what: 'of another moment' },
  { kind: 'without', item: 1, what: 'what is durable' },
  { kind: 'only', what: 'nothing' },
])('a choice that is none of this moment is refused: %o', (choice) => {
  expect(refusal(() => prepared().crashImage(choice as never))?.code).toBe('INVALID_ARGUMENT')
})

test('a model that there is not, or a number that is none, is refused before anything ends', () => {
  const files = prepared()
  const random = seededRandom(1)
  for (const options of [
    { random, drawn: 1, models: ['weak', 'week'] },
    { random, drawn: NaN },
    { random },
    { random, drawn: 1, singlesMax: -1 },
    { random, drawn: 1, models: 5 },
    { drawn: 1 },
    undefined,
  ])
    expect(refusal(() => files.crashChoices(options as never))?.code).toBe('INVALID_ARGUMENT')
  for (const chance of [undefined, null, 7, () => 0.5, { next: () => 0.5 }])
    expect(refusal(() => files.crash('weak', chance as never))?.code).toBe('INVALID_ARGUMENT')
  expect(refusal(() => files.crash('process_kill' as never, random))?.code).toBe('INVALID_ARGUMENT')
  expect(files.crashed).toBe(false)
})
