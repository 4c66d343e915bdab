/**
 * Stories about commits, and about the keys and values that are in them.
 */
import { type Story } from './case.ts'

export const COMMITS: readonly Story[] = [
  {
    name: 'a commit is whole',
    rule: 'As of the time of a commit all of its writes show; a tick before, none of them does.',
    async tell(trial) {
      await trial.put('a', 'old')
      const time = await trial.commit(
        [
          { key: 'a', value: 'new' },
          { key: 'b', value: 'x' },
          { key: 'c', value: 'y' },
        ],
        10n,
      )
      await trial.expectScan({}, time - 1n, [['a', 'old']])
      await trial.expectScan({}, time, [
        ['a', 'new'],
        ['b', 'x'],
        ['c', 'y'],
      ])
    },
  },
  {
    name: 'the last write of a commit wins',
    rule: 'Of several writes to one key in one commit only the last one counts, deletions included.',
    async tell(trial) {
      const time = await trial.commit([
        { key: 'a', value: 'first' },
        { key: 'b', value: 'x' },
        { key: 'c', value: undefined },
        { key: 'a', value: 'last' },
        { key: 'b', value: undefined },
        { key: 'c', value: 'z' },
      ])
      await trial.expectGet('a', time, 'last')
      await trial.expectGet('b', time, undefined)
      await trial.expectScan({}, time, [
        ['a', 'last'],
        ['c', 'z'],
      ])
    },
  },
  {
    name: 'the empty value is a value',
    rule: 'A key whose value is the empty text is there.',
    async tell(trial) {
      const time = await trial.put('a', '')
      await trial.expectGet('a', time, '')
      await trial.expectScan({}, time, [['a', '']])
    },
  },
  {
    name: 'keys that begin with another',
    rule: 'A key is itself: not what it begins with, not what begins with it, whatever character stands behind.',
    async tell(trial) {
      const keys = ['a', 'a\u0000', 'a0', 'a1', 'a:', 'a:1', 'aa', 'a\u00ff']
      const times: bigint[] = []
      for (const key of keys) times.push(await trial.put(key, `value of ${key}`))
      for (const [i, key] of keys.entries()) {
        await trial.expectGet(key, trial.newest, `value of ${key}`)
        await trial.expectGet(key, times[i]! - 1n, undefined)
      }
      const deleted = await trial.delete('a')
      await trial.expectGet('a', deleted, undefined)
      for (const key of keys.slice(1)) await trial.expectGet(key, deleted, `value of ${key}`)
    },
  },
  {
    name: 'names that objects have already',
    rule: 'No key has a value that nobody wrote, and every key can have one.',
    async tell(trial) {
      const names = ['__proto__', 'constructor', 'toString']
      const before = await trial.put('a', 'x')
      for (const name of names) await trial.expectGet(name, before, undefined)
      for (const name of names) {
        const time = await trial.put(name, 'y')
        await trial.expectGet(name, time, 'y')
      }
    },
  },
  {
    name: 'long keys and values',
    rule: 'Keys of hundreds of characters and values of thousands come back as they were written.',
    async tell(trial) {
      const key = 'k'.repeat(300)
      const value = 'long value '.repeat(1000)
      const time = await trial.put(key, value)
      await trial.expectGet(key, time, value)
      await trial.expectGet(`${key}k`, time, undefined)
      await trial.expectScan({}, time, [[key, value]])
    },
  },
  {
    name: 'values of any characters',
    rule: 'A value is text: its characters come back as they were written, beyond U+00FF and U+FFFF too, and zeros.',
    async tell(trial) {
      const values = ['\u0000', 'x\u0000y', 'é\u00ff', 'ж', '日本', '\uffff', '\u{1f600}', ' \n"\\']
      for (const value of values) {
        const time = await trial.put('a', value)
        await trial.expectGet('a', time, value)
        await trial.expectScan({}, time, [['a', value]])
      }
    },
  },
]
