/**
 * How a reader comes to a directory that stands still, beside a process that writes.
 *
 *     read the manifest ▶ open the log ▶ open all tables that it names ▶ read the log, and the catalog ▶ it stands
 *           ▲                  │                   │ one is gone             │ something is wrong
 *           └──────────────── is it another manifest now? ── no, and something is wrong ──▶ that is damage
 *
 * The log must be no later than the manifest's successor: once a merge has dropped what a restore hid, a commit may say
 * that nothing is hidden any more, and of the tables before that merge this is not true. What a log had when it was opened
 * is all that is read of it; so it is enough that the manifest was the same a moment later.
 *
 * A writer that is open takes a file away only after the manifest no longer names it. So where one is gone that the
 * manifest still names, it was lost, and whoever needs it will say so. A table that was found stays open from one attempt
 * to the next: no other one ever gets its number. So each attempt has less to open than the one before.
 *
 * A writer that opens after a crash cuts off what is torn. What is read behind the end that a file had a moment before is
 * `EOF`: then the reader begins anew as well.
 */
import { equalBytes } from '../base/bytes.ts'
import { type Checksum } from '../base/checksum.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type FileSystem, readWholeFile } from '../storage/files.ts'
import { listSegments, segmentPath } from '../storage/log.ts'
import { type ManifestState, namedTables } from '../storage/manifest-state.ts'
import { MANIFEST_PATH, stateIn } from '../storage/manifest.ts'
import { tablesOf } from '../storage/shape.ts'
import { StandingFiles } from '../storage/standing-files.ts'
import { tablePath } from '../storage/table-format.ts'
import { SYSTEM_TABLET } from '../tablet/tablet.ts'

/** A manifest, and a directory that stands still as it says. */
export interface Standing {
  readonly state: ManifestState
  readonly files: StandingFiles
}

/** After so many attempts a reader gives up: each begins with a moment in which no flush and no merge may end. */
const ATTEMPTS_MAX = 20

/**
 * Opens a directory that stands still: tables, and the log from the first segment that is needed, are kept open, until
 * what was opened lets go of them.
 */
export function openStanding<Opened>(
  files: FileSystem,
  checksum: Checksum,
  open: (standing: Standing) => Opened,
): Opened {
  const standing = new StandingFiles(files)
  try {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const opened = tryToStand(files, checksum, standing, open, attempt === ATTEMPTS_MAX)
      if (opened !== undefined) return opened.value
    }
    throw new PalimpsestError(
      'DATABASE_LOCKED',
      `a process that writes changed what there is ${ATTEMPTS_MAX} times while this one was about to open it`,
    )
  } catch (error) {
    standing.close()
    throw error
  }
}

/** Nothing, where the manifest is another one by now, and the log may be later than it, or what it named is gone. */
function tryToStand<Opened>(
  files: FileSystem,
  checksum: Checksum,
  standing: StandingFiles,
  open: (standing: Standing) => Opened,
  isLast: boolean,
): { readonly value: Opened } | undefined {
  let manifest: Uint8Array | undefined
  try {
    manifest = readWholeFile(files, MANIFEST_PATH)
    const state = stateIn(manifest, checksum)
    standing.letGo(listSegments(standing).map(segmentPath))
    standing.readNames()
    const { needed, missing } = segmentsFrom(state.firstSegment, listSegments(standing))
    // It has got its name while names were read: what came of that is in none of the files yet that are opened now.
    if (files.size(segmentPath(missing)) !== undefined) return undefined
    const hasLog = standing.keep(needed.map(segmentPath))
    if (!isStill(files, manifest)) return undefined
    const hasTables = standing.keep(tablePathsOf(state))
    if (!(hasLog && hasTables) && !isStill(files, manifest)) return undefined
    return { value: open({ state, files: standing }) }
  } catch (error) {
    if (!isStill(files, manifest) || (wasCutMeanwhile(error) && !isLast)) return undefined
    throw error
  }
}

/** The tables of the catalog, and the others, the newest first: they are merged before the rest. */
function tablePathsOf(state: ManifestState): readonly string[] {
  const catalog = tablesOf(state.trees.get(SYSTEM_TABLET)?.shape ?? []).map(({ number }) => number)
  const tables = namedTables(state).toSorted((a, b) => b - a)
  return [...new Set([...catalog, ...tables].map(tablePath))]
}

/**
 * The listed segments from the first that is needed on, and the first that is not listed: mostly the one behind the last. One
 * between two was removed while the names were read, or it was lost. Those behind it go later than it does, so one is enough
 * to notice; and they may be as many as there are numbers, where somebody has put a file of a large one beside the others.
 */
function segmentsFrom(
  first: number,
  listed: readonly number[],
): { readonly needed: readonly number[]; readonly missing: number } {
  const needed = listed.filter((number) => number >= first)
  const gap = needed.findIndex((number, i) => number !== first + i)
  return { needed, missing: first + (gap === -1 ? needed.length : gap) }
}

/** Whether the manifest is what it was when it was read, if it was. */
function isStill(files: FileSystem, manifest: Uint8Array | undefined): boolean {
  try {
    return manifest === undefined || equalBytes(manifest, readWholeFile(files, MANIFEST_PATH))
  } catch (error) {
    if (wasCutMeanwhile(error)) return false
    throw error
  }
}

function wasCutMeanwhile(error: unknown): boolean {
  return error instanceof PalimpsestError && error.details['errno'] === 'EOF'
}
