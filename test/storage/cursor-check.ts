/** How a cursor is compared with the plain list of versions behind it, at every seek, in both directions. */
import { expect } from 'vitest'
import { type Direction, type KeyCursor } from '../../src/storage/cursor.ts'
import { type KeyedVersion } from '../../src/storage/version.ts'
import { type Stretches } from '../../src/time/stretches.ts'
import { PROBES, compareKeys, keysOf, newestOf, shown } from './samples.ts'

const nameOf = (key: Uint8Array | undefined) => (key === undefined ? 'end' : Buffer.from(key).toString('hex'))

/** What the cursor shows from where it stands to its end: each key with its newest version in the view. */
function rest(cursor: KeyCursor, view: Stretches, isRead: (step: number) => boolean): string[] {
  const found: string[] = []
  for (let step = 0; cursor.key !== undefined; step++) {
    const name = nameOf(cursor.key)
    found.push(isRead(step) ? `${name}${shown(cursor.newestIn(view))}` : name)
    cursor.advance()
  }
  return found
}

/**
 * Seeks one cursor to every probe and reads on to the end. `every` says at which steps the version is
 * asked for: a cursor that is only moved must stand right as well.
 */
export function expectCursor(
  cursor: KeyCursor,
  direction: Direction,
  versions: readonly KeyedVersion[],
  view: Stretches,
  every = 1,
): void {
  const keys = keysOf(versions)
  if (direction === 'reverse') keys.reverse()
  expect(cursor.key).toBeUndefined()
  for (const probe of [...PROBES, ...(direction === 'reverse' ? [undefined] : [])]) {
    const isBehind = (key: Uint8Array) =>
      probe === undefined ||
      (direction === 'forward' ? compareKeys(key, probe) >= 0 : compareKeys(key, probe) < 0)
    const expected = keys.filter(isBehind).map((key, step) => {
      return step % every === 0 ? `${nameOf(key)}${shown(newestOf(versions, key, view))}` : nameOf(key)
    })
    cursor.seek(probe)
    expect(rest(cursor, view, (step) => step % every === 0)).toEqual(expected)
  }
}
