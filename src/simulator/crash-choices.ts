/**
 * Crash images by name: for one moment, the few that find most mistakes, in a fixed order.
 *
 * None of what is pending, all of it, each thing alone missing, each thing alone there, then some drawn
 * from the models. A choice is plain data: printed with a failure, it builds the same image again.
 */
import { type OptionNames, checkArray, checkChoice, checkOptions, checkWhole } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { CRASH_MODELS, type CrashModel, checkModel } from './crash-models.ts'
import { type PendingItem } from './disk.ts'
import { type Fates } from './fates.ts'
import { type Random, checkRandom } from './random.ts'

/** What a crash leaves of the pending things. `item` is the order of one of them, `what` says it in words. */
export type CrashChoice =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'without'; readonly item: number; readonly what: string }
  | { readonly kind: 'only'; readonly item: number; readonly what: string }
  | { readonly kind: 'drawn'; readonly model: CrashModel; readonly seed: number }

/** How many images of one moment are wanted. */
export interface CrashChoiceOptions {
  /** Draws the seeds of the images that are drawn, and which things are taken singly if there are too many. */
  readonly random: Random
  /** How many images are drawn from the models. */
  readonly drawn: number
  /** The models they are drawn from, in turn; all but `synced-only`, which is `none`, if left out. */
  readonly models?: readonly CrashModel[] | undefined
  /** The most things that are taken singly; 64 if left out. */
  readonly singlesMax?: number | undefined
}

const CHOICE_OPTIONS: OptionNames<CrashChoiceOptions> = {
  random: true,
  drawn: true,
  models: true,
  singlesMax: true,
}

const DRAWN_MODELS = CRASH_MODELS.filter((model) => model !== 'synced-only')

/** The choices for a moment at which these things are pending. Throws `INVALID_ARGUMENT`. */
export function chooseCrashes(
  items: readonly PendingItem[],
  options: CrashChoiceOptions,
): Generator<CrashChoice> {
  checkOptions(options, CHOICE_OPTIONS)
  const { random, drawn, models = DRAWN_MODELS, singlesMax = 64 } = options
  checkRandom(random)
  checkWhole('drawn', drawn)
  if (singlesMax !== Infinity) checkWhole('singlesMax', singlesMax)
  checkArray('models', models)
  for (const model of models) checkModel(model)
  return choicesOf(items, { random, drawn, models, singlesMax })
}

/** The options, none of them left out. */
type FullOptions = { readonly [Name in keyof CrashChoiceOptions]-?: NonNullable<CrashChoiceOptions[Name]> }

function* choicesOf(
  items: readonly PendingItem[],
  { random, drawn, models, singlesMax }: FullOptions,
): Generator<CrashChoice> {
  yield { kind: 'none' }
  if (items.length > 0) yield { kind: 'all' }
  if (items.length > 1) {
    const singles = sampleOf(items, singlesMax, random).map((item) => ({
      item: item.order,
      what: describeItem(item),
    }))
    for (const single of singles) yield { kind: 'without', ...single }
    for (const single of singles) yield { kind: 'only', ...single }
  }
  for (let i = 0; i < drawn && models.length > 0; i++) {
    yield { kind: 'drawn', model: models[i % models.length]!, seed: random.below(2 ** 32) }
  }
}

/** Refuses what is no choice at all: any image of another one would pass for a test of it. */
export function checkCrashChoice(choice: CrashChoice): void {
  const kind = typeof choice === 'object' && choice !== null ? choice.kind : choice
  checkChoice('kind of a crash', kind, ['none', 'all', 'without', 'only', 'drawn'])
}

/** The fates that a choice other than a drawn one means. Throws `INVALID_ARGUMENT` if it is none of this moment. */
export function fatesOfChoice(
  choice: Exclude<CrashChoice, { kind: 'drawn' }>,
  items: readonly PendingItem[],
): Fates {
  const isSingle = choice.kind === 'without' || choice.kind === 'only'
  if (isSingle && !items.some(({ order }) => order === choice.item)) {
    const message = `nothing that is pending has the number ${choice.item}`
    throw new PalimpsestError('INVALID_ARGUMENT', message, { item: choice.item })
  }
  const isKept = (item: PendingItem): boolean => {
    if (choice.kind === 'without') return item.order !== choice.item
    if (choice.kind === 'only') return item.order === choice.item
    return choice.kind === 'all'
  }
  return new Map(items.filter(isKept).map((item) => [item.order, 'kept']))
}

/** A choice in words: `all but: append 000004.log 512+100`. */
export function describeChoice(choice: CrashChoice): string {
  switch (choice.kind) {
    case 'none':
      return 'nothing unsynced'
    case 'all':
      return 'everything'
    case 'without':
      return `all but #${choice.item}: ${choice.what}`
    case 'only':
      return `only #${choice.item}: ${choice.what}`
    case 'drawn':
      return `${choice.model}, seed ${choice.seed}`
  }
}

/** A pending thing in words. */
export function describeItem(item: PendingItem): string {
  switch (item.kind) {
    case 'write': {
      const { at, bytes, abandoned } = item.write
      return `append ${item.inode.label} ${at}+${bytes.length}${abandoned ? ' (abandoned)' : ''}`
    }
    case 'cut':
      return `truncate ${item.inode.label} to ${item.cut.length}`
    case 'entry':
      return item.change.description
  }
}

/** At most `count` of the items, in their order, each with the same odds. */
function sampleOf<T>(items: readonly T[], count: number, random: Random): readonly T[] {
  let missing = Math.min(count, items.length)
  return items.filter((_, index) => {
    const isTaken = items.length - index <= missing || random.below(items.length - index) < missing
    if (isTaken) missing--
    return isTaken
  })
}
