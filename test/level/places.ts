/** Directories for levels on real files. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Hands out paths at which there is nothing yet, and removes what came to be there. */
export interface Places {
  next(): string
  remove(): void
}

/** The file system in memory that Linux has: real files, and a sync costs nothing. */
const MEMORY_FILE_SYSTEM = '/dev/shm'

/** Places in a directory of their own. */
export function newPlaces({ syncsMatter = true }: { syncsMatter?: boolean } = {}): Places {
  const below = !syncsMatter && existsSync(MEMORY_FILE_SYSTEM) ? MEMORY_FILE_SYSTEM : tmpdir()
  const root = mkdtempSync(join(below, 'palimpsest-level-'))
  let count = 0
  return {
    next: () => join(root, String(count++)),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}
