/**
 * Explanations as lines of text that a person can follow, in whatever way times are written.
 */
import { type GenerationJudgement, type Keeper } from '../history/explain-version.ts'
import { type ReadStep } from '../store/explain.ts'
import { type ReadExplanation, type VersionExplanation } from '../table/state-history.ts'
import { formatDuration } from '../time/duration.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Stretches } from '../time/stretches.ts'

/** How the lines write what they are about. */
export interface ExplainNotation {
  /** A time at which something was written or begins. */
  readonly start: (time: HybridTime) => string
  /** A time as of which somebody reads, or through which something holds. */
  readonly end: (time: HybridTime) => string
  /** Some times: `from … through …`. */
  readonly stretch: (stretch: Stretches[number]) => string
  readonly key: (key: unknown) => string
  readonly value: (value: unknown) => string
  /** What a hold is for, as its user wrote it. */
  readonly reason: (reason: string) => string
}

const CAUSES = { create: 'creation', restore: 'restore', undo: 'undo', truncate: 'truncation' } as const

/** What a read did, a line for each step. */
export function readLines(read: ReadExplanation, notation: ExplainNotation): readonly string[] {
  const { key, asOf, generation, view, steps, value, versionTime } = read
  const { start, end, stretch } = notation
  const seen = view.map(stretch).join(', ')
  const answer =
    versionTime === undefined
      ? `absent: no version of it lies in what a reader sees`
      : value === undefined
        ? `absent: deleted at ${start(versionTime)}`
        : `${notation.value(value)}, written at ${start(versionTime)}`
  return [
    `read ${notation.key(key)} as of ${end(asOf)}`,
    `in force: what began with the table's ${CAUSES[generation.cause]} at ${start(generation.start)}`,
    `a reader sees versions ${seen === '' ? 'of no time' : seen}`,
    ...steps.map((step) => stepLine(step, notation)),
    `answer: ${answer}`,
  ]
}

function stepLine(step: ReadStep, { start }: ExplainNotation): string {
  if (step.place === 'memory') return `memory: ${searchText(step.outcome)}`
  if (step.place === 'files') {
    const why = step.outcome === 'key range' ? 'the key lies outside' : 'not needed: the answer was there'
    return `level ${step.level}: ${many(step.count, 'file')} passed over: ${why}`
  }
  const { level, file, outcome, minTime, maxTime, blocks, blocksInFile } = step
  const times = minTime === maxTime ? `at ${start(minTime)}` : `from ${start(minTime)} to ${start(maxTime)}`
  const where = `level ${level}: file ${file}`
  if (outcome === 'time bounds') return `${where} passed over: its times ${times} are not seen`
  if (outcome === 'filter') return `${where} passed over: by its filter it has not the key`
  const read = blocks.map(({ block, isCached }) => `${block}${isCached ? ' (cached)' : ''}`)
  const looked = blocks.length === 0 ? 'no block' : `block ${read.join(', ')}`
  return `${where} searched, ${looked} of ${blocksInFile}: ${searchText(outcome)}`
}

function searchText(outcome: 'found' | 'nothing'): string {
  return outcome === 'found' ? 'found' : 'no version that is seen'
}

/** Why a version is kept or may go, a line for each reason. */
export function versionLines(version: VersionExplanation, notation: ExplainNotation): readonly string[] {
  const { key, time, verdict, generations } = version
  const name = `${notation.key(key)} at ${notation.start(time)}`
  const reasons = generations.flatMap((judgement) => judgementLines(judgement, notation))
  if (verdict === 'absent') {
    const isReadable = generations.some(({ readable }) => readable.length > 0)
    const why = isReadable
      ? 'if there was one, it was a tombstone that hid nothing: a value would be kept'
      : 'if there was one, it was dropped: no readable time sees it'
    return [`no version of ${name} is there`, ...reasons, why]
  }
  return [
    `${name}: ${whatText(version, notation)}`,
    placeLine(version),
    ...reasons,
    ...endLines(version, notation),
  ]
}

function whatText({ isTombstone, value }: VersionExplanation, notation: ExplainNotation): string {
  return isTombstone ? 'a tombstone: the key was deleted' : notation.value(value)
}

function placeLine({ stored }: VersionExplanation): string {
  if (stored?.place !== 'file') return 'lies in memory'
  return `lies in file ${stored.file} of level ${stored.level}, block ${stored.block}`
}

function judgementLines(judgement: GenerationJudgement, notation: ExplainNotation): readonly string[] {
  const { cause, start, verdict, seen, hiddenBy, readable } = judgement
  const since = `since the table's ${CAUSES[cause]} at ${notation.start(start)}`
  if (verdict === 'outside') return [`${since}: not seen, it lies outside of what shows`]
  if (verdict === 'hidden')
    return [`${since}: not seen, hidden by the version at ${notation.start(hiddenBy!)}`]
  const until = hiddenBy === undefined ? '' : `, until the version at ${notation.start(hiddenBy)}`
  const read = readable.length === 0 ? 'none of it can be read' : `readable ${timesText(readable, notation)}`
  return [`${since}: seen ${timesText(seen, notation)}${until}; ${read}`]
}

function endLines(version: VersionExplanation, notation: ExplainNotation): readonly string[] {
  const { verdict, keepers, canGoFrom, stored } = version
  const next =
    stored?.place === 'memory'
      ? 'once it is written down, a compaction that takes it may drop it'
      : 'the next compaction that takes it with all that is newer may drop it'
  if (verdict === 'droppable') return ['droppable: no readable time sees it', `can go now: ${next}`]
  if (verdict === 'hides nothing') {
    const seen = keepers.map((keeper) => keeperLine(keeper, notation, 'seen by'))
    const why = 'droppable: a tombstone that is seen, but hides nothing that is kept'
    return [...seen, why, 'can go now: the next compaction that takes all of its key may drop it']
  }
  const lines = keepers.map((keeper) => keeperLine(keeper, notation, 'kept by'))
  const when =
    canGoFrom === undefined
      ? 'cannot go while that is so'
      : `can go from ${notation.start(canGoFrom)} on, if nothing changes`
  return [...lines, when]
}

/** Who keeps a version; of one that nobody needs, who sees it. */
function keeperLine(
  { promise, times, until, from }: Keeper,
  notation: ExplainNotation,
  what: 'kept by' | 'seen by',
): string {
  const seen = timesText(times, notation)
  switch (promise.kind) {
    case 'window': {
      if (promise.keep === 'forever') return `${what} the window, which keeps history forever: ${seen}`
      const window = `the window of ${formatDuration(promise.keep)}, which begins at ${notation.start(promise.cutoff)}`
      const end =
        until === 'superseded'
          ? 'while it is the newest'
          : from === undefined
            ? 'for longer than times go'
            : `until ${notation.start(from)}`
      return `${what} ${window}: ${seen}; ${end}`
    }
    case 'hold': {
      const end = from === undefined ? 'until it is released' : `until it runs out at ${notation.start(from)}`
      const reason = promise.reason === '' ? '' : ` (${notation.reason(promise.reason)})`
      return `${what} the hold ${promise.name}${reason}: ${seen}; ${end}`
    }
    case 'cursor': {
      const end = from === undefined ? '' : `, or too old at ${notation.start(from)}`
      return `${what} the open cursor ${promise.id}: ${seen}; until it is read to its end${end}`
    }
  }
}

function timesText(times: Stretches, { stretch }: ExplainNotation): string {
  return times.map(stretch).join(', ')
}

function many(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
