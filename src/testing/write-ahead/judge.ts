/**
 * Which rules of order a call breaks, by what is known of the directory before it. A record is judged as it is
 * handed over, for from then on a power cut may leave it. Nothing here remembers anything.
 */
import { type ManifestEdit, type ManifestState } from '../../storage/manifest-state.ts'
import { MANIFEST_PATH } from '../../storage/manifest.ts'
import { type TableMeta } from '../../storage/table-format.ts'
import { type HybridTime, MIN_TIME, formatExact, laterOf } from '../../time/hybrid-time.ts'
import { type KnownDirectory, roleOf } from './known-directory.ts'
import { type LogFact } from './known-log.ts'
import { namedTables } from './known-manifest.ts'
import { type OrderFault, type OrderRule } from './rules.ts'
import { type WatchedCall } from './watched-files.ts'

type Faults = readonly OrderFault[]

/** What a call breaks that is not an append: those are judged by {@link judgeFact} and {@link judgeEdit}. */
export function judgeCall(known: KnownDirectory, call: WatchedCall): Faults {
  const { path } = call
  if (call.did === 'create') return judgeCreate(known, path)
  if (call.did === 'remove') return judgeRemove(known, path)
  if (call.did !== 'rename') return []
  return call.to === MANIFEST_PATH ? judgeRename(known, path) : judgeRepeated(known, call.to)
}

/** What a record of the log breaks. */
export function judgeFact({ log }: KnownDirectory, { kind, time }: LogFact): Faults {
  const isBelow = kind !== 'commit' || time <= log.durableCeiling
  return expectOrder('ceiling before time', isBelow, () => `a commit gets ${formatExact(time)}`)
}

/** What an edit breaks that has so many others before it in the manifest. */
export function judgeEdit(known: KnownDirectory, before: number, edit: ManifestEdit): Faults {
  return [...judgeTables(known, before, edit), ...judgePlan(known, edit), ...judgePlaces(known, edit)]
}

/** The tables that an edit adds. */
function judgeTables({ log, manifest, tables }: KnownDirectory, before: number, edit: ManifestEdit): Faults {
  const added = (edit.trees ?? []).flatMap(({ add }) => add.map(({ table }) => table))
  if (added.length === 0) return []
  const named = namedTables(manifest.file?.stateAfter(before))
  const fresh = added.filter(({ number }) => !named.some((table) => table.number === number))
  const faults = fresh.flatMap(({ number, bytes }) => {
    const file = tables.get(number)
    const isThere = file !== undefined && file.isDurable && file.length === bytes
    return expectOrder('tables before edit', isThere, () => `an edit adds table ${number}`)
  })
  const newest = newestIn(fresh)
  // What other tables have was durable before they were named, and may have left the log since.
  const isLogged = newest <= log.durableThrough || newest <= newestIn(named)
  return [
    ...faults,
    ...expectOrder('log before edit', isLogged, () => `an edit adds tables through ${formatExact(newest)}`),
  ]
}

function newestIn(tables: readonly TableMeta[]): HybridTime {
  return tables.reduce((time, { maxTime }) => laterOf(time, maxTime), MIN_TIME)
}

/** What an edit does to trees was planned by the catalog. */
function judgePlan({ log, isNew }: KnownDirectory, { trees = [], removeTrees = [] }: ManifestEdit): Faults {
  const isPlanned = trees.length > 0 || removeTrees.length > 0
  const row = isPlanned ? log.pendingOfCatalog : undefined
  const pending = () => `an edit of trees, while ${formatExact(row!.time)} is pending`
  return [
    ...expectOrder('catalog before edit', row === undefined, pending),
    ...removeTrees.flatMap((tree) =>
      expectOrder('freed before removed', log.isFreed(tree) || !isNew, () => `an edit removes tree ${tree}`),
    ),
  ]
}

/** The places in the log that an edit names. */
function judgePlaces(known: KnownDirectory, { logSynced, firstSegment }: ManifestEdit): Faults {
  const needed = firstSegment === undefined ? [] : judgeFirstSegment(known, firstSegment, 'an edit')
  if (logSynced === undefined) return needed
  const { segment: number, bytes } = logSynced
  const segment = known.log.segment(number)
  const isTrue = segment?.isNamed === true && bytes <= segment.synced
  const said = () => `an edit says ${number}:${bytes} of the log is synced`
  return [...needed, ...expectOrder('synced before said', isTrue, said)]
}

function judgeFirstSegment({ log }: KnownDirectory, number: number, what: string): Faults {
  const segment = log.segment(number)
  const isDurable = segment !== undefined && segment.isNamed && segment.synced > 0
  return expectOrder('segment before edit', isDurable, () => `${what} needs segment ${number}`)
}

function judgeCreate({ log }: KnownDirectory, path: string): Faults {
  const role = roleOf(path)
  if (role.kind !== 'segment') return []
  const isDurable = log.segment(role.number - 1)?.isDurable ?? true
  return expectOrder('segment before successor', isDurable, () => `${path} is created`)
}

function judgeRename(known: KnownDirectory, path: string): Faults {
  const { next, nextWritten } = known.manifest
  const isSynced = next !== undefined && next.synced === next.length && nextWritten !== undefined
  const what = `${path} is renamed`
  const faults = expectOrder('manifest before name', isSynced, () => what)
  if (nextWritten === undefined) return faults
  return [...faults, ...judgeFirstSegment(known, nextWritten.firstSegment, `${what} and`)]
}

/** What takes the name of a segment. */
function judgeRepeated({ log }: KnownDirectory, path: string): Faults {
  const role = roleOf(path)
  if (role.kind !== 'segment') return []
  const { next } = log
  const isSynced = next !== undefined && next.synced === next.length
  const isWhole = isSynced && next.count >= (log.segment(role.number)?.count ?? 0)
  return expectOrder('segment before name', isWhole, () => `${path} gets another file`)
}

function judgeRemove(known: KnownDirectory, path: string): Faults {
  const role = roleOf(path)
  if (role.kind === 'segment') return judgeRemovedSegment(known, role.number, `${path} is removed`)
  if (role.kind !== 'table') return []
  const isUnnamed = !known.manifest.mayName(role.number)
  return expectOrder('edit before unlink', isUnnamed, () => `${path} is removed`)
}

/** One without a commit in it is made anew where a crash has cut its beginning. */
function judgeRemovedSegment(known: KnownDirectory, number: number, what: string): Faults {
  const commits =
    known.log
      .segment(number)
      ?.contents()
      .filter(({ kind }) => kind === 'commit') ?? []
  if (commits.length === 0) return []
  const { durable } = known.manifest
  const isLeft = durable !== undefined && durable.firstSegment > number
  const lost = commits.flatMap(({ time, tablets }) =>
    tablets.flatMap((tablet) =>
      expectOrder(
        'tables before segment goes',
        isInTables(known, durable, tablet, time),
        () => `${what} with ${formatExact(time)} of tablet ${tablet}`,
      ),
    ),
  )
  return [...expectOrder('edit before segment goes', isLeft, () => what), ...lost]
}

/** Whether a power cut leaves a write to a tablet without the log, or nobody can read it any more. */
function isInTables(
  { log, isNew }: KnownDirectory,
  durable: ManifestState | undefined,
  tablet: number,
  time: HybridTime,
): boolean {
  const tree = durable?.trees.get(tablet)
  if (tree !== undefined) return time <= tree.flushedThrough
  return log.isFreed(tablet) || !isNew
}

function expectOrder(rule: OrderRule, isKept: boolean, what: () => string): Faults {
  return isKept ? [] : [{ rule, what: what() }]
}
