/**
 * Stories about what a read as of a time shows: one key, its versions, its deletions.
 */
import { TICKS_PER_MICROSECOND } from '../contract.ts'
import { type Story, between } from './case.ts'

export const VISIBILITY: readonly Story[] = [
  {
    name: 'as of is inclusive',
    rule: 'A read as of the time of a commit shows that commit.',
    async tell(trial) {
      const first = await trial.put('a', 'old')
      const second = await trial.put('a', 'new', 10n)
      await trial.expectGet('a', first, 'old')
      await trial.expectGet('a', second, 'new')
      await trial.expectScan({}, first, [['a', 'old']])
      await trial.expectScan({}, second, [['a', 'new']])
    },
  },
  {
    name: 'a tick before a commit it is not there',
    rule: 'A read as of the tick before a commit shows what was there before it, to the tick.',
    async tell(trial) {
      const first = await trial.put('a', 'old')
      const second = await trial.put('a', 'new', 10n)
      await trial.expectGet('a', first - 1n, undefined)
      await trial.expectGet('a', second - 1n, 'old')
      await trial.expectScan({}, first - 1n, [])
      await trial.expectScan({}, second - 1n, [['a', 'old']])
    },
  },
  {
    name: 'a version shows until the next one',
    rule: 'Between two versions of a key, at whatever time, the older one shows; and commits to other keys change nothing.',
    async tell(trial) {
      const first = await trial.put('a', 'old')
      await trial.put('b', 'other', 5n)
      const third = await trial.put('a', 'new', 100_000n)
      for (const asOf of [first, between(first, third), third - 1n]) await trial.expectGet('a', asOf, 'old')
    },
  },
  {
    name: 'a deleted key has no value',
    rule: 'From the time of its deletion on a key has no value, in gets and in scans.',
    async tell(trial) {
      await trial.put('a', 'x')
      const deleted = await trial.delete('a')
      await trial.expectGet('a', deleted, undefined)
      await trial.expectScan({}, deleted, [])
    },
  },
  {
    name: 'a deletion leaves the past alone',
    rule: 'As of a time before its deletion a key has the value that it had.',
    async tell(trial) {
      const put = await trial.put('a', 'x')
      const deleted = await trial.delete('a', 10n)
      await trial.expectGet('a', put, 'x')
      await trial.expectGet('a', deleted - 1n, 'x')
      await trial.expectScan({}, deleted - 1n, [['a', 'x']])
    },
  },
  {
    name: 're-insertion',
    rule: 'A key that was deleted can be set again; as of the times between it has no value.',
    async tell(trial) {
      const put = await trial.put('a', 'first')
      const deleted = await trial.delete('a', 10n)
      const again = await trial.put('a', 'second', 10n)
      await trial.expectGet('a', put, 'first')
      await trial.expectGet('a', deleted, undefined)
      await trial.expectGet('a', again - 1n, undefined)
      await trial.expectGet('a', again, 'second')
      await trial.expectScan({}, again - 1n, [])
      await trial.expectScan({}, again, [['a', 'second']])
    },
  },
  {
    name: 'deleting what is not there',
    rule: 'The deletion of a key that has no value is a commit that changes nothing.',
    async tell(trial) {
      await trial.put('b', 'x')
      const deleted = await trial.delete('a')
      await trial.expectGet('a', deleted, undefined)
      await trial.expectScan({}, deleted, [['b', 'x']])
      const again = await trial.put('a', 'y')
      await trial.expectGet('a', again, 'y')
    },
  },
  {
    name: 'commits of one microsecond are told apart',
    rule: 'Commits at neighbouring ticks are different commits, each with its own state.',
    async tell(trial) {
      const times: bigint[] = []
      for (let i = 0; i < 5; i++)
        times.push(await trial.put('a', `v${i}`, i === 0 ? TICKS_PER_MICROSECOND : 1n))
      for (const [i, time] of times.entries()) {
        await trial.expectGet('a', time, `v${i}`)
        await trial.expectScan({}, time, [['a', `v${i}`]])
      }
    },
  },
  {
    name: 'times are numbers',
    rule: 'Times are compared as whole numbers, however many digits they have.',
    async tell(trial) {
      const times: bigint[] = []
      for (const [i, gap] of [1n, 100n, 10_000n, 1_000_000n, 100_000_000n].entries())
        times.push(await trial.put('a', `v${i}`, gap))
      for (const [i, time] of times.entries()) {
        await trial.expectGet('a', time, `v${i}`)
        if (i > 0) await trial.expectGet('a', time - 1n, `v${i - 1}`)
      }
    },
  },
  {
    name: 'the past is stable',
    rule: 'What a read as of a time has answered, it answers after later commits too.',
    async tell(trial) {
      const first = await trial.commit([
        { key: 'a', value: 'x' },
        { key: 'b', value: 'y' },
      ])
      for (let i = 0; i < 3; i++) {
        await trial.expectGet('a', first, 'x')
        await trial.expectScan({}, first, [
          ['a', 'x'],
          ['b', 'y'],
        ])
        await trial.commit([
          { key: 'a', value: `later ${i}` },
          { key: 'b', value: undefined },
          { key: 'c', value: 'new' },
        ])
      }
    },
  },
]
