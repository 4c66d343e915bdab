/**
 * Stories about scans: which keys, in which order, with which values.
 */
import { type Entry } from '../contract.ts'
import { type Trial } from '../trial.ts'
import { type Story } from './case.ts'

const IN_ORDER = [
  '',
  '\u0000',
  'A',
  'Z',
  'a',
  'a\u0000',
  'a:',
  'aa',
  'b',
  '\u007f',
  '\u0080',
  '\u00ff',
  '\u00ff\u00ff',
]

/** Puts keys one by one, in an order that is not theirs; answers them with their values, in their order. */
async function put(trial: Trial, keys: readonly string[]): Promise<readonly Entry[]> {
  const half = Math.ceil(keys.length / 2)
  const shuffled = [...keys.slice(half), ...keys.slice(0, half).toReversed()]
  for (const key of shuffled) await trial.put(key, `value of ${key}`)
  return keys.map((key): Entry => [key, `value of ${key}`])
}

export const SCANS: readonly Story[] = [
  {
    name: 'scans are in key order',
    rule: 'A scan is in the order of the characters of the keys, bytes from 0x80 up behind all others.',
    async tell(trial) {
      const entries = await put(trial, IN_ORDER)
      await trial.expectScan({}, trial.newest, entries)
    },
  },
  {
    name: 'a range has its lower bound and not its upper',
    rule: 'A range has the keys from `gte`, itself included, to `lt`, itself not.',
    async tell(trial) {
      const [a, b, c, d] = (await put(trial, ['a', 'b', 'c', 'd'])) as [Entry, Entry, Entry, Entry]
      await trial.expectScan({ gte: 'b' }, trial.newest, [b, c, d])
      await trial.expectScan({ lt: 'c' }, trial.newest, [a, b])
      await trial.expectScan({ gte: 'b', lt: 'd' }, trial.newest, [b, c])
      await trial.expectScan({ gte: 'b', lt: 'b\u0000' }, trial.newest, [b])
    },
  },
  {
    name: 'bounds need not be keys',
    rule: 'A bound is a place in the order, whether or not there is such a key.',
    async tell(trial) {
      const [, aa, b] = (await put(trial, ['a', 'aa', 'b', 'c'])) as [Entry, Entry, Entry, Entry]
      await trial.expectScan({ gte: 'a\u0000', lt: 'bb' }, trial.newest, [aa, b])
      await trial.expectScan({ gte: 'd' }, trial.newest, [])
    },
  },
  {
    name: 'an empty range',
    rule: 'A range whose bounds are equal, or the wrong way round, has no keys.',
    async tell(trial) {
      await put(trial, ['a', 'b', 'c'])
      await trial.expectScan({ gte: 'b', lt: 'b' }, trial.newest, [])
      await trial.expectScan({ gte: 'c', lt: 'a' }, trial.newest, [])
    },
  },
  {
    name: 'a scan as of a time is of that time',
    rule: 'A scan shows every key that had a value as of its time, with that value: also keys that were changed or deleted since, and none that came later.',
    async tell(trial) {
      const then = await trial.commit([
        { key: 'a', value: 'kept' },
        { key: 'b', value: 'old' },
        { key: 'c', value: 'doomed' },
      ])
      await trial.commit([
        { key: 'b', value: 'new' },
        { key: 'c', value: undefined },
        { key: 'd', value: 'late' },
      ])
      await trial.expectScan({}, then, [
        ['a', 'kept'],
        ['b', 'old'],
        ['c', 'doomed'],
      ])
      await trial.expectScan({ gte: 'b' }, trial.newest, [
        ['b', 'new'],
        ['d', 'late'],
      ])
    },
  },
  {
    name: 'a scan in reverse',
    rule: 'In reverse a scan has the same keys, from the greatest to the least; the bounds mean the same.',
    needs: ['reverse'],
    async tell(trial) {
      const entries = await put(trial, IN_ORDER)
      await trial.expectScan({ reverse: true }, trial.newest, entries.toReversed())
      const some = entries.filter(([key]) => key >= 'a' && key < 'b')
      await trial.expectScan({ gte: 'a', lt: 'b', reverse: true }, trial.newest, some.toReversed())
    },
  },
  {
    name: 'a scan in reverse as of a time',
    rule: 'A scan in reverse shows of each key the version that a get shows, whichever way it comes past the others.',
    needs: ['reverse'],
    async tell(trial) {
      await trial.put('a', 'a1')
      await trial.put('b', 'b1')
      const then = await trial.put('a', 'a2')
      await trial.commit([
        { key: 'a', value: 'a3' },
        { key: 'b', value: undefined },
      ])
      await trial.expectScan({ reverse: true }, then, [
        ['b', 'b1'],
        ['a', 'a2'],
      ])
      await trial.expectScan({ reverse: true }, trial.newest, [['a', 'a3']])
    },
  },
]
