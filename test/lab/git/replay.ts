/** What the tests of git histories share: traces, seeds, and replay by a plain map. */
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { GitCommit, GitEntry } from '../../../src/lab/git/history.ts'
import { byteTextOf } from '../../../src/lab/git/quoting.ts'

/** Fixed seeds, and a fresh one. */
export const SEEDS: readonly number[] = [1, 2, randomInt(2 ** 31)]

/** A trace that comes with the project; `present` where it is there. */
export function trace(name: string): { readonly path: string; readonly present: boolean } {
  const path = fileURLToPath(new URL(`../../../../shared/traces/${name}.gitlog`, import.meta.url))
  return { path, present: existsSync(path) }
}

/** Every commit with the files after it. The map is the same one all the time. */
export function* replayed(
  commits: Iterable<GitCommit>,
): Generator<readonly [GitCommit, ReadonlyMap<string, GitEntry>]> {
  const files = new Map<string, GitEntry>()
  for (const commit of commits) {
    for (const change of commit.changes) {
      const key = byteTextOf(change.path)
      if (change.kind === 'set') files.set(key, change)
      else if (!files.delete(key)) throw new Error(`${commit.id} deletes what is not there`)
    }
    yield [commit, files]
  }
}
