/**
 * How a reader comes to a directory that stands still, beside a process that writes.
 *
 *     read the manifest ▶ open all that it names ▶ read the log, and the catalog ▶ it stands
 *           ▲                       │ one is gone             │ something is wrong
 *           └────────── yes ── is it another manifest now? ───┴─ no ──▶ that is damage
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

/** After so many attempts a reader takes what it has for what there is. */
const ATTEMPTS_MAX = 10

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
    for (let attempt = 1; ; attempt++) {
      const opened = tryToStand(files, checksum, standing, open, attempt === ATTEMPTS_MAX)
      if (opened !== undefined) return opened.value
    }
  } catch (error) {
    standing.close()
    throw error
  }
}

/** Nothing, where the manifest is another one by now, and what it named is gone. */
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
    const isWhole = standing.keep(pathsOf(state, listSegments(standing)))
    if (!isWhole && !isLast && !isStill(files, manifest)) return undefined
    return { value: open({ state, files: standing }) }
  } catch (error) {
    if (isLast || (!wasCutMeanwhile(error) && isStill(files, manifest))) throw error
    return undefined
  }
}

/** The log, which is read at once, the tables of the catalog, and the others, the newest first: they are merged before the rest. */
function pathsOf(state: ManifestState, segments: readonly number[]): readonly string[] {
  const { firstSegment } = state
  // One between them that is not listed was removed while the names were read.
  const count = Math.max(firstSegment, segments.at(-1) ?? 0) - firstSegment + 1
  const log = Array.from({ length: count }, (_, i) => firstSegment + i)
  const catalog = tablesOf(state.trees.get(SYSTEM_TABLET)?.shape ?? []).map(({ number }) => number)
  const tables = namedTables(state).toSorted((a, b) => b - a)
  return [...log.map(segmentPath), ...new Set([...catalog, ...tables].map(tablePath))]
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
