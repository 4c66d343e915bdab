/**
 * Files for what is only needed for a while: what git prints, and logs that can be read only once.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attempt, readChunks } from './chunks.ts'

/** A file without a name, to be written, by another program too, and read again; gone when it is disposed of. */
export class ScratchFile {
  readonly #directory: string
  readonly descriptor: number

  constructor() {
    this.#directory = attempt('mkdtemp', tmpdir(), () => mkdtempSync(join(tmpdir(), 'palimpsest-git-')))
    const path = join(this.#directory, 'output')
    // Appending, so that the program writes at the end of what is there also after it was cleared.
    this.descriptor = attempt('open', path, () => openSync(path, 'ax+'))
    // Where an open file may lose its name, it does now: then nothing is left even if the process is killed.
    if (process.platform !== 'win32') this.#remove()
  }

  /** Everything in it. */
  chunks(): Generator<Uint8Array> {
    return readChunks(this.descriptor, 'scratch file', 0)
  }

  clear(): void {
    attempt('truncate', 'scratch file', () => ftruncateSync(this.descriptor, 0))
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor)
    this.#remove()
  }

  #remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
