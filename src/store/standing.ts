/**
 * How a reader comes to a directory that stands still, beside a process that writes.
 *
 *     read the manifest ▶ open all that it names ▶ is one gone? ──no──▶ it stands: read the log
 *           ▲  ▲                                       │yes                    │
 *           │  └─── yes ── is it another manifest now? ┘ ──no──▶ it stands     │ was a file cut meanwhile?
 *           └────────────────────────────────────────────────────── yes ───────┘
 *
 * A writer takes a file away only after the manifest no longer names it. So where one is gone that the manifest still
 * names, it was lost, and whoever needs it will say so. It cuts a file only when it opens after a crash, where that
 * left a torn tail: what is read after the end that a file had a moment before is `EOF`, and nothing else is.
 */
import { equalBytes } from '../base/bytes.ts'
import { type Checksum } from '../base/checksum.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type FileSystem, readWholeFile } from '../storage/files.ts'
import { listSegments, segmentPath } from '../storage/log.ts'
import { type ManifestState, namedTables } from '../storage/manifest-state.ts'
import { MANIFEST_PATH, readManifest } from '../storage/manifest.ts'
import { StandingFiles } from '../storage/standing-files.ts'
import { tablePath } from '../storage/table-format.ts'

/** A manifest, and a directory that stands still as it says. */
export interface Standing {
  readonly state: ManifestState
  readonly files: StandingFiles
}

/** A writer that takes files away between any two looks of a reader, so often in a row, is none. */
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
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === ATTEMPTS_MAX
    try {
      const standing = standStill(files, checksum, isLast)
      if (standing !== undefined) return openOrLetGo(standing, open)
    } catch (error) {
      if (isLast || !wasCutMeanwhile(error)) throw error
    }
  }
}

/** Nothing, where files are gone because there is another manifest by now. */
function standStill(files: FileSystem, checksum: Checksum, isLast: boolean): Standing | undefined {
  const manifest = readWholeFile(files, MANIFEST_PATH)
  const state = readManifest(files, checksum)
  const standing = new StandingFiles(files)
  standing.keep(pathsOf(state, listSegments(standing)))
  const isWhole = standing.missing.length === 0
  if (isWhole || isLast || equalBytes(manifest, readWholeFile(files, MANIFEST_PATH)))
    return { state, files: standing }
  standing.close()
  return undefined
}

/** The log, which is read at once, and tables, the newest first: they are merged before the others. */
function pathsOf(state: ManifestState, segments: readonly number[]): readonly string[] {
  const { firstSegment } = state
  const log = [firstSegment, ...segments.filter((segment) => segment > firstSegment)]
  const tables = namedTables(state).toSorted((a, b) => b - a)
  return [...log.map(segmentPath), ...tables.map(tablePath)]
}

function openOrLetGo<Opened>(standing: Standing, open: (standing: Standing) => Opened): Opened {
  try {
    return open(standing)
  } catch (error) {
    standing.files.close()
    throw error
  }
}

function wasCutMeanwhile(error: unknown): boolean {
  return error instanceof PalimpsestError && error.details['errno'] === 'EOF'
}
