/** What a run knows of its tables by their times: no more and no less than they say. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RunIndex } from '../../src/storage/run-index.ts'
import { type TableMeta } from '../../src/storage/table-format.ts'
import { type KeyedVersion } from '../../src/storage/version.ts'
import { holds } from '../time/property.ts'
import { sortedVersions, tableFiles, tick, views, writeRun } from './samples.ts'

const runs = fc.tuple(sortedVersions({ minLength: 1 }), fc.array(fc.nat({ max: 40 }), { maxLength: 4 }))

/** Versions in tables that are cut at some places. */
function tablesOf([versions, cuts]: readonly [readonly KeyedVersion[], readonly number[]]): TableMeta[] {
  return writeRun(tableFiles(), versions, cuts)
}

test('a table is in a view if some time of the view lies between its oldest and its newest one', () => {
  holds(
    fc.property(runs, views, (run, view) => {
      const tables = tablesOf(run)
      const isIn = ({ minTime, maxTime }: TableMeta) =>
        view.some(({ after, through }) => after < maxTime && minTime <= through)
      expect(new RunIndex({ number: 1, tables }).tablesIn(view)).toEqual(tables.filter(isIn))
    }),
    200,
  )
})

test('a run is after a time if all of its tables begin behind it', () => {
  holds(
    fc.property(runs, fc.nat({ max: 40 }), (run, time) => {
      const tables = tablesOf(run)
      const isAfter = tables.every(({ minTime }) => minTime > tick(time))
      expect(new RunIndex({ number: 1, tables }).isAfter(tick(time))).toBe(isAfter)
    }),
  )
})
