/** Tablets: made when they are asked for, and given back by the log exactly what their files do not have. */
import { expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { type Directive, garbageFilter } from '../../src/history/garbage.ts'
import { runJob } from '../../src/storage/job.ts'
import { applyManifestEdit, newManifestState } from '../../src/storage/manifest-state.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { Tablets } from '../../src/tablet/tablet.ts'
import { MAX_TIME, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { NO_TIMES, stretch } from '../../src/time/stretches.ts'
import { NO_PLACE, refusal, shown, smallGeometry, tableFiles, tick } from '../storage/samples.ts'

const NO_DIRECTIVE: Directive = { generations: [], readable: NO_TIMES, cutoff: MIN_TIME }

function sample() {
  let manifest = newManifestState({ geometry: 'tiny', clock: 'system' })
  let number = 1
  const files = new MemoryFiles()
  const context = { tables: tableFiles(files), geometry: smallGeometry() }
  const io = { ...context, files, filterFor: garbageFilter }
  const open = () => new Tablets(context, () => manifest)
  const flush = (tablets: Tablets, id: number) => {
    const tablet = tablets.get(id)
    tablet.freeze()
    const job = tablet.flushJob(NO_DIRECTIVE, NO_PLACE, () => ({ first: number, end: ++number }))
    manifest = applyManifestEdit(manifest, { trees: [tablet.editOf(runJob(job, io))] })
    tablet.install(manifest.trees.get(id)!)
  }
  return { open, flush }
}

const key = bytesOfText('k')
const commits = [1, 2, 3, 4].map((time) => ({
  time: tick(time),
  tablets: [5, 9].map((tablet) => ({
    tablet,
    writes: [{ key, value: bytesOfText(`${tablet} at ${time}`) }],
  })),
}))
const ALL = stretch(tick(0), MAX_TIME)

test('a tablet is made once, and the list has those of the manifest and those that were asked for', () => {
  const { open, flush } = sample()
  const tablets = open()
  expect(tablets.all()).toEqual([])
  expect(tablets.get(9)).toBe(tablets.get(9))
  for (const { time, tablets: writes } of commits) tablets.apply(time, writes)
  expect(tablets.all().map(({ id }) => id)).toEqual([5, 9])
  flush(tablets, 5)
  expect(
    open()
      .all()
      .map(({ id }) => id),
  ).toEqual([5])
})

test('what the log brings back goes to those tablets only whose files do not have it; twice is as once', () => {
  const { open, flush } = sample()
  const first = open()
  for (const { time, tablets } of commits.slice(0, 2)) first.apply(time, tablets)
  flush(first, 9)
  for (const { time, tablets } of commits.slice(2)) first.apply(time, tablets)

  for (let turn = 0; turn < 2; turn++) {
    const again = open()
    for (const { time, tablets } of commits) {
      const lacking = tablets.filter(({ tablet }) => again.lacks(tablet, time))
      again.replay(time, lacking)
      // It has them now: brought back once more, they are behind it.
      if (lacking.length > 0) expect(refusal(() => again.replay(time, lacking))?.code).toBe('LOG_CORRUPT')
    }
    expect([5, 9].map((id) => again.get(id).memtables[0].versionCount)).toEqual([4, 2])
    for (const id of [5, 9]) {
      for (const time of [1, 2, 3, 4]) {
        const view = stretch(tick(0), tick(time))
        expect(shown(again.get(id).find(key, view))).toBe(shown(first.get(id).find(key, view)))
      }
      expect(again.get(id).find(key, ALL)?.time).toBe(4n)
    }
  }
})
