/**
 * Stories about what outlives what: a reopening, a snapshot, a restore.
 */
import { type Entry } from '../contract.ts'
import { type Story, expectRefusals } from './case.ts'

export const REOPENING: readonly Story[] = [
  {
    name: 'reopening changes no answer',
    rule: 'After a reopening in good order everything is as it was: the last commit, every older time, every deletion.',
    needs: ['reopen'],
    async tell(trial) {
      const put = await trial.put('a', 'x')
      const deleted = await trial.delete('a')
      const last = await trial.commit([
        { key: 'b', value: 'y' },
        { key: 'c', value: '' },
      ])
      for (let i = 0; i < 2; i++) {
        await trial.reopen()
        await trial.expectGet('a', put, 'x')
        await trial.expectGet('a', put - 1n, undefined)
        await trial.expectGet('a', deleted, undefined)
        await trial.expectScan({}, last, [
          ['b', 'y'],
          ['c', ''],
        ])
      }
    },
  },
  {
    name: 'life goes on after a reopening',
    rule: 'Commits after a reopening are later than all before it.',
    needs: ['reopen'],
    async tell(trial) {
      const before = await trial.put('a', 'before')
      await trial.reopen()
      const after = await trial.put('a', 'after')
      await trial.expectGet('a', before, 'before')
      await trial.expectGet('a', after, 'after')
    },
  },
  {
    name: 'a cutoff outlives a reopening',
    rule: 'What was refused before a reopening is refused after it.',
    needs: ['reopen', 'collect', 'refusal'],
    async tell(trial) {
      const first = await trial.put('a', 'old')
      await trial.put('a', 'new', 100_000n)
      const cutoff = await trial.collect(trial.newest)
      await trial.reopen()
      await expectRefusals(trial, first, cutoff)
      await trial.expectGet('a', trial.newest, 'new')
    },
  },
]

export const SNAPSHOTS: readonly Story[] = [
  {
    name: 'a snapshot is stable',
    rule: 'A snapshot shows what there was when it was taken, whatever is committed later.',
    needs: ['snapshot'],
    async tell(trial) {
      await trial.put('a', 'x')
      await trial.put('b', 'y')
      const taken = await trial.snapshot()
      await trial.commit([
        { key: 'a', value: 'later' },
        { key: 'b', value: undefined },
        { key: 'c', value: 'new' },
      ])
      await trial.expectGetOf(taken, 'a', 'x')
      await trial.expectGetOf(taken, 'b', 'y')
      await trial.expectGetOf(taken, 'c', undefined)
      await trial.expectScanOf(taken, {}, [
        ['a', 'x'],
        ['b', 'y'],
      ])
      await trial.expectScanOf(taken, { gte: 'b' }, [['b', 'y']])
      await trial.expectScanOf(taken, { lt: 'b' }, [['a', 'x']])
      await trial.closeSnapshot(taken)
    },
  },
  {
    name: 'a snapshot in reverse',
    rule: 'A snapshot is scanned in reverse as the store is.',
    needs: ['snapshot', 'reverse'],
    async tell(trial) {
      await trial.put('a', 'x')
      await trial.put('b', 'y')
      const taken = await trial.snapshot()
      await trial.delete('b')
      await trial.expectScanOf(taken, { reverse: true }, [
        ['b', 'y'],
        ['a', 'x'],
      ])
      await trial.expectScanOf(taken, { lt: 'b', reverse: true }, [['a', 'x']])
      await trial.closeSnapshot(taken)
    },
  },
  {
    name: 'a snapshot holds what it shows',
    rule: 'While a snapshot is open nothing that it shows is collected.',
    needs: ['snapshot', 'collect'],
    async tell(trial) {
      await trial.put('a', 'x')
      await trial.put('b', 'y')
      const taken = await trial.snapshot()
      await trial.put('a', 'later', 100_000n)
      await trial.delete('b')
      await trial.collect(trial.newest)
      await trial.expectGetOf(taken, 'a', 'x')
      await trial.expectScanOf(taken, {}, [
        ['a', 'x'],
        ['b', 'y'],
      ])
      await trial.closeSnapshot(taken)
      await trial.expectScan({}, trial.newest, [['a', 'later']])
    },
  },
  {
    name: 'snapshots do not disturb each other',
    rule: 'Each snapshot shows its own time, also after another one was closed.',
    needs: ['snapshot'],
    async tell(trial) {
      await trial.put('a', 'first')
      const first = await trial.snapshot()
      await trial.put('a', 'second')
      const second = await trial.snapshot()
      await trial.put('a', 'third')
      await trial.expectGetOf(first, 'a', 'first')
      await trial.closeSnapshot(first)
      await trial.expectGetOf(second, 'a', 'second')
      await trial.closeSnapshot(second)
      await trial.expectGet('a', trial.newest, 'third')
    },
  },
  {
    name: 'a snapshot holds after another was closed',
    rule: 'Closing a snapshot lets go of what that one held, and of nothing else.',
    needs: ['snapshot', 'collect'],
    async tell(trial) {
      await trial.put('a', 'first')
      const first = await trial.snapshot()
      await trial.put('a', 'second', 100_000n)
      const second = await trial.snapshot()
      await trial.put('a', 'third', 100_000n)
      await trial.closeSnapshot(first)
      await trial.collect(trial.newest)
      await trial.expectGetOf(second, 'a', 'second')
      await trial.closeSnapshot(second)
    },
  },
]

const KEPT: readonly Entry[] = [
  ['changed', 'old'],
  ['deleted', 'x'],
  ['same', 's'],
]

export const RESTORES: readonly Story[] = [
  {
    name: 'a restore puts everything back',
    rule: 'After a restore to t there is what there was at t: what was changed is as it was, what was deleted is back, what was new is gone.',
    needs: ['restore'],
    async tell(trial) {
      const then = await trial.commit(KEPT.map(([key, value]) => ({ key, value })))
      await trial.commit([
        { key: 'changed', value: 'new' },
        { key: 'deleted', value: undefined },
        { key: 'new', value: 'y' },
      ])
      const restored = await trial.restore(then)
      await trial.expectScan({}, restored, KEPT)
      for (const [key, value] of KEPT) await trial.expectGet(key, restored, value)
      await trial.expectGet('new', restored, undefined)
    },
  },
  {
    name: 'a restore erases nothing',
    rule: 'Reads as of a time before the restore answer as they did before it.',
    needs: ['restore'],
    async tell(trial) {
      const then = await trial.put('a', 'old')
      const later = await trial.commit(
        [
          { key: 'a', value: 'new' },
          { key: 'b', value: 'y' },
        ],
        10n,
      )
      const restored = await trial.restore(then, 10n)
      await trial.expectGet('a', then, 'old')
      await trial.expectGet('a', later, 'new')
      await trial.expectScan({}, restored - 1n, [
        ['a', 'new'],
        ['b', 'y'],
      ])
      await trial.expectScan({}, restored, [['a', 'old']])
    },
  },
  {
    name: 'a restore can be undone by another',
    rule: 'A restore to the tick before a restore brings back what that one took away.',
    needs: ['restore'],
    async tell(trial) {
      const then = await trial.put('a', 'old')
      await trial.put('b', 'y', 10n)
      const restored = await trial.restore(then, 10n)
      const undone = await trial.restore(restored - 1n, 10n)
      await trial.expectScan({}, undone, [
        ['a', 'old'],
        ['b', 'y'],
      ])
    },
  },
  {
    name: 'commits after a restore',
    rule: 'Commits after a restore go on from what it put back.',
    needs: ['restore'],
    async tell(trial) {
      const then = await trial.put('a', 'old')
      await trial.put('b', 'y')
      const restored = await trial.restore(then)
      const later = await trial.put('c', 'z', 10n)
      await trial.expectScan({}, restored, [['a', 'old']])
      await trial.expectScan({}, later, [
        ['a', 'old'],
        ['c', 'z'],
      ])
    },
  },
]
