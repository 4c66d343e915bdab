/**
 * Stories about giving up history: what a cutoff must not touch, and that the rest is refused.
 *
 *     versions   a@1      a@3        a@6
 *     cutoff                   5                a@3 is the version of the boundary: a read as of 5 shows it,
 *     read as of               5 ─────────▶     so it stays; only a@1 can go
 */
import { type Story, between, expectRefusals } from './case.ts'

export const COLLECTION: readonly Story[] = [
  {
    name: 'the version of the boundary is kept',
    rule: 'As of the cutoff, and later, a key shows its newest version at or before it, however old that is.',
    needs: ['collect'],
    async tell(trial) {
      await trial.put('a', 'gone')
      await trial.put('a', 'of the boundary', 10n)
      const once = await trial.put('b', 'written once')
      const later = await trial.put('a', 'new', 100_000n)
      const cutoff = between(once, later)
      await trial.collect(cutoff)
      await trial.expectGet('a', cutoff, 'of the boundary')
      await trial.expectGet('a', later - 1n, 'of the boundary')
      await trial.expectGet('b', cutoff, 'written once')
      await trial.expectScan({}, cutoff, [
        ['a', 'of the boundary'],
        ['b', 'written once'],
      ])
    },
  },
  {
    name: 'a version at the cutoff itself is kept',
    rule: 'The version that was written at the cutoff is what a read as of the cutoff shows.',
    needs: ['collect'],
    async tell(trial) {
      await trial.put('a', 'old')
      const cutoff = await trial.put('a', 'at the cutoff', 10n)
      await trial.put('a', 'new', 10n)
      await trial.collect(cutoff)
      await trial.expectGet('a', cutoff, 'at the cutoff')
      await trial.expectScan({}, cutoff, [['a', 'at the cutoff']])
    },
  },
  {
    name: 'a cutoff the tick before a commit',
    rule: 'What a commit takes the place of shows through the tick before it, so it is kept by a cutoff there.',
    needs: ['collect'],
    async tell(trial) {
      await trial.put('a', 'old')
      const changed = await trial.put('a', 'new', 10n)
      await trial.collect(changed - 1n)
      await trial.expectGet('a', changed - 1n, 'old')
      await trial.expectScan({}, changed - 1n, [['a', 'old']])
      await trial.expectGet('a', changed, 'new')
    },
  },
  {
    name: 'a cutoff at what is newest',
    rule: 'Whatever is given up, what there is now stays.',
    needs: ['collect'],
    async tell(trial) {
      await trial.put('a', 'old')
      await trial.put('b', 'x')
      const newest = await trial.put('a', 'new')
      await trial.collect(newest)
      await trial.expectScan({}, newest, [
        ['a', 'new'],
        ['b', 'x'],
      ])
    },
  },
  {
    name: 'collecting brings nothing back',
    rule: 'A key that was deleted before the cutoff stays deleted: its tombstone may go only with all that is under it.',
    needs: ['collect'],
    async tell(trial) {
      await trial.put('a', 'first')
      await trial.put('a', 'second')
      const deleted = await trial.delete('a')
      const later = await trial.put('b', 'x', 100n)
      await trial.collect(deleted)
      await trial.expectGet('a', deleted, undefined)
      await trial.collect(later)
      await trial.expectGet('a', later, undefined)
      await trial.expectScan({}, later, [['b', 'x']])
    },
  },
  {
    name: 'a deletion after the cutoff',
    rule: 'A key that was deleted after the cutoff has its value at the cutoff, and none from its deletion on.',
    needs: ['collect'],
    async tell(trial) {
      const put = await trial.put('a', 'x')
      const deleted = await trial.delete('a', 100_000n)
      const cutoff = between(put, deleted)
      await trial.collect(cutoff)
      await trial.expectGet('a', cutoff, 'x')
      await trial.expectGet('a', deleted, undefined)
      await trial.expectScan({}, deleted - 1n, [['a', 'x']])
    },
  },
  {
    name: 'cutoffs only rise',
    rule: 'Collecting below an earlier cutoff changes nothing.',
    needs: ['collect'],
    async tell(trial) {
      const first = await trial.put('a', 'old')
      const cutoff = await trial.put('a', 'new', 10n)
      await trial.collect(cutoff)
      await trial.collect(first)
      await trial.expectGet('a', cutoff, 'new')
    },
  },
  {
    name: 'below the cutoff reads are refused',
    rule: 'A read as of a time that is no longer promised throws; as of the first that is, it does not.',
    needs: ['collect', 'refusal'],
    async tell(trial) {
      const first = await trial.put('a', 'old')
      const boundary = await trial.put('a', 'x', 100_000n)
      const later = await trial.put('a', 'new', 100_000n)
      const cutoff = await trial.collect(between(boundary, later))
      await expectRefusals(trial, first, cutoff)
      if (cutoff < first) return
      // A store that gives up less may promise times at which the older value shows.
      const shown = cutoff < boundary ? 'old' : 'x'
      await trial.expectGet('a', cutoff, shown)
      await trial.expectScan({}, cutoff, [['a', shown]])
    },
  },
  {
    name: 'a cutoff does not go back',
    rule: 'What was refused is refused after a lower cutoff too.',
    needs: ['collect', 'refusal'],
    async tell(trial) {
      const first = await trial.put('a', 'old')
      await trial.put('a', 'new', 100_000n)
      const cutoff = await trial.collect(trial.newest)
      await trial.collect(first)
      await expectRefusals(trial, first, cutoff)
    },
  },
]
