/**
 * Real files without syncs: for databases whose bytes are counted and which are made again in seconds.
 *
 * A weighed database is written in thousands of small files. Syncing each of them changes no number and
 * would take most of the time, as much as the disk is slow. What is written survives the process, but not
 * a power cut, whatever the durability says: for the lab only.
 */
import { NodeFiles } from '../../platform/node-files.ts'
import { type AppendFile } from '../../storage/files.ts'

/** The files of a directory; nothing is synced. */
export class UnsyncedFiles extends NodeFiles {
  override create(path: string): AppendFile {
    return unsynced(super.create(path))
  }

  override append(path: string): AppendFile {
    return unsynced(super.append(path))
  }

  override syncDirectory(): void {
    // What the names survive is the business of the operating system.
  }
}

function unsynced(file: AppendFile): AppendFile {
  return {
    get size() {
      return file.size
    },
    append: (bytes) => file.append(bytes),
    sync: () => undefined,
    close: () => file.close(),
  }
}
