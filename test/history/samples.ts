/**
 * Histories of one key for the tests: writes, and a table that was put back, undone, emptied and dropped
 * in between; and the plainest answers there are, tick by tick.
 */
import * as fc from 'fast-check'
import { type Directive, garbageFilter } from '../../src/history/garbage.ts'
import {
  type Generation,
  endOf,
  firstGeneration,
  generationAt,
  rewoundGeneration,
  truncatedGeneration,
  viewAsOf,
} from '../../src/history/lineage.ts'
import { type KeyVersions, type StateChange } from '../../src/history/state-history.ts'
import { VersionList } from '../../src/storage/version-batch.ts'
import { type Version } from '../../src/storage/version.ts'
import { type HybridTime, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { type Stretches, contains, stretch, union } from '../../src/time/stretches.ts'
import { tick } from '../storage/samples.ts'

/** Nothing happens after this tick. */
export const LAST = 40

/** What happened to one key and its table. */
export interface Life {
  /** Oldest first. */
  readonly versions: readonly Version[]
  readonly generations: readonly Generation[]
}

type Event =
  | { readonly do: 'put' | 'delete' | 'truncate' | 'drop' | 'nothing' }
  | { readonly do: 'restore' | 'undo'; readonly to: number }

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: 'put' } as const) },
  { weight: 5, arbitrary: fc.constant({ do: 'delete' } as const) },
  { weight: 2, arbitrary: fc.constant({ do: 'nothing' } as const) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('restore' as const), to: fc.nat({ max: LAST }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('undo' as const), to: fc.nat({ max: LAST }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'truncate' } as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'drop' } as const) },
)

/** Lives of {@link LAST} ticks; tick 1 creates the table, unless `created` says later. */
export const lives: fc.Arbitrary<Life> = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.array(anyEvent, { minLength: LAST, maxLength: LAST }))
  .map(([created, events]) => lifeOf(events, created))

/** Carries events out, one each tick; what is not possible does nothing. */
export function lifeOf(events: readonly Event[], created = 1): Life {
  const versions: Version[] = []
  const generations: Generation[] = [firstGeneration([7], tick(created))]
  const begin = (generation: Generation) => {
    end(generation.start)
    generations.push(generation)
  }
  const end = (time: HybridTime) => {
    const last = generations.at(-1)!
    if (last.end === undefined) generations[generations.length - 1] = { ...last, end: tick(Number(time) - 1) }
  }
  for (const [i, event] of events.entries()) {
    const now = tick(created + 1 + i)
    const current = generationAt(generations, now)
    switch (event.do) {
      case 'put':
      case 'delete':
        if (current === undefined) break
        versions.push({ time: now, value: event.do === 'put' ? Uint8Array.of(i) : undefined })
        break
      case 'truncate':
        if (current !== undefined) begin(truncatedGeneration(current, now))
        break
      case 'drop':
        end(now)
        break
      case 'restore':
      case 'undo': {
        const to = tick(event.to % Number(now))
        const then = generationAt(generations, to)
        if (then !== undefined) begin(rewoundGeneration(then, to, now, event.do))
        break
      }
      case 'nothing':
    }
  }
  return { versions, generations }
}

/** Readable times, as a window and holds make them. */
export const readableSets: fc.Arbitrary<Stretches> = fc
  .tuple(
    fc.integer({ min: 1, max: LAST + 5 }),
    fc.array(fc.tuple(fc.integer({ min: 0, max: LAST }), fc.integer({ min: 1, max: 6 })), { maxLength: 3 }),
  )
  .map(([window, held]) =>
    union(
      stretch(tick(window - 1), tick(LAST + 10)),
      ...held.map(([after, length]) => stretch(tick(after), tick(after + length))),
    ),
  )

/** The versions of a life, by looking at all of them. */
export function keyVersions(versions: readonly Version[]): KeyVersions {
  const within = (view: Stretches) => versions.filter(({ time }) => contains(view, time))
  return {
    find: (_, view) => within(view).at(-1),
    *batches(_, view, order) {
      const shown = order === 'oldest first' ? within(view) : within(view).toReversed()
      // Uneven ones: what goes over from one to the next is met at every place.
      for (let i = 0, size = 1; i < shown.length; size = (size % 3) + 1) {
        yield new VersionList(shown.slice(i, i + size))
        i += size
      }
    },
  }
}

/** What a compaction of everything would leave of the versions. */
export function collected({ versions, generations }: Life, readable: Stretches): readonly Version[] {
  const directive: Directive = { generations, readable, cutoff: MIN_TIME }
  const filter = garbageFilter(directive)
  filter.beginKey()
  const kept = versions.toReversed().filter(({ time }) => filter.keeps(time))
  while (kept.length > 0 && kept.at(-1)!.value === undefined) kept.pop()
  return kept.toReversed()
}

/** The version with a value that shows at a tick. */
export function shownAt({ versions, generations }: Life, time: HybridTime): Version | undefined {
  const generation = generations.find(({ start, ...rest }) => {
    return start <= time && time <= endOf({ start, ...rest })
  })
  if (generation === undefined) return undefined
  const view = viewAsOf(generation, time)
  const version = versions.findLast((each) => contains(view, each.time))
  return version?.value === undefined ? undefined : version
}

/** The changes by their definition, tick by tick, oldest first. */
export function plainChanges(life: Life, times: Stretches): readonly StateChange[] {
  const changes: StateChange[] = []
  const generationOf = (t: number) => generationAt(life.generations, tick(t))
  for (let t = 1; t <= LAST + 20; t++) {
    if (!contains(times, tick(t))) continue
    const shown = shownAt(life, tick(t))
    const state = { time: tick(t), value: shown?.value, versionTime: shown?.time }
    if (!contains(times, tick(t - 1))) {
      const wasPresent = changes.at(-1)?.value !== undefined
      if (shown !== undefined || wasPresent) changes.push({ ...state, cause: 'opening' })
      continue
    }
    if (shown?.time === shownAt(life, tick(t - 1))?.time) continue
    if (generationOf(t) === generationOf(t - 1))
      changes.push({ ...state, versionTime: tick(t), cause: 'commit' })
    else changes.push({ ...state, cause: generationOf(t)?.cause ?? 'drop' })
  }
  return changes
}

/** A change as text, to compare and to read in a failure. */
export function changeText({ time, value, versionTime, cause }: StateChange): string {
  return `${time}: ${value === undefined ? 'absent' : String(value)}@${versionTime ?? '-'} ${cause}`
}
