/** How a cursor in a view is compared with the plain list of versions behind it, at every seek, in both directions. */
import { expect } from 'vitest'
import { type Direction, type KeyCursor, type KeySink } from '../../src/storage/cursor.ts'
import { type KeyedVersion } from '../../src/storage/version.ts'
import { VersionSpan } from '../../src/storage/version-span.ts'
import { MIN_TIME, tickBefore } from '../../src/time/hybrid-time.ts'
import { type Stretches, intersection, stretch } from '../../src/time/stretches.ts'
import { compareKeys, keysOf, newestAt, newestOf, PROBES, shown } from './samples.ts'

const nameOf = (key: Uint8Array | undefined) => (key === undefined ? 'end' : Buffer.from(key).toString('hex'))

/** What the cursor shows from where it stands to its end: each key with its newest version in the view. */
function rest(cursor: KeyCursor, isRead: (step: number) => boolean): string[] {
  const found: string[] = []
  for (let step = 0; cursor.key !== undefined; step++) {
    const name = nameOf(cursor.key)
    found.push(isRead(step) ? `${name}${shown(newestAt(cursor))}` : name)
    cursor.advance()
  }
  return found
}

/** What the cursor gives before a key, or to its end, to sinks with room for so many keys each. */
function given(cursor: KeyCursor, end: Uint8Array | undefined, room: number): string[] {
  const all: string[] = []
  const span = end && { view: new DataView(end.buffer, end.byteOffset), from: 0, to: end.length }
  for (let isOver = false; !isOver;) {
    const upTo = all.length + room
    const sink: KeySink = {
      get hasRoom() {
        return all.length < upTo
      },
      add: (at) => all.push(`${nameOf(at.key)}${shown(newestAt(at))}`),
    }
    cursor.feed(sink, span)
    isOver = sink.hasRoom
    if (isOver) continue
    expect(`${nameOf(cursor.key)}${shown(newestAt(cursor))}`).toBe(all.at(-1))
    cursor.advance()
  }
  return all
}

/**
 * Seeks one cursor to every probe and reads on to the end, step by step, and again in pieces up to some key. `every`
 * says at which steps the version is asked for: a cursor that is only moved must stand right as well.
 */
export function expectCursor(
  cursor: KeyCursor,
  direction: Direction,
  versions: readonly KeyedVersion[],
  view: Stretches,
  every = 1,
): void {
  const keys = keysOf(versions).filter((key) => newestOf(versions, key, view) !== undefined)
  if (direction === 'reverse') keys.reverse()
  expect(cursor.key).toBeUndefined()
  const sign = direction === 'forward' ? 1 : -1
  const withVersion = (key: Uint8Array) => `${nameOf(key)}${shown(newestOf(versions, key, view))}`
  for (const [i, probe] of [...PROBES, ...(direction === 'reverse' ? [undefined] : [])].entries()) {
    const isBehind = (key: Uint8Array) =>
      probe === undefined ||
      (direction === 'forward' ? compareKeys(key, probe) >= 0 : compareKeys(key, probe) < 0)
    const left = keys.filter(isBehind)
    cursor.seek(probe)
    expect(rest(cursor, (step) => step % every === 0)).toEqual(
      left.map((key, step) => (step % every === 0 ? withVersion(key) : nameOf(key))),
    )
    for (const end of [undefined, PROBES[(3 * i + every) % PROBES.length]!]) {
      const before = left.filter((key) => end === undefined || sign * compareKeys(key, end) < 0)
      cursor.seek(probe)
      expect(given(cursor, end, i % 2 === 0 ? every : 100)).toEqual(before.map(withVersion))
      expect(nameOf(cursor.key)).toBe(nameOf(left[before.length]))
    }
  }
}

/**
 * Moves a cursor over all of its keys and asks at each for the newest version in the older part of another view: it
 * is that of the list, or nothing is known.
 */
export function expectBeside(
  cursor: KeyCursor,
  direction: Direction,
  versions: readonly KeyedVersion[],
  other: Stretches,
): void {
  cursor.seek(direction === 'forward' ? new Uint8Array() : undefined)
  for (; cursor.key !== undefined; cursor.advance()) {
    const older = intersection(other, stretch(MIN_TIME, tickBefore(newestAt(cursor).time)))
    const beside = new VersionSpan()
    if (!cursor.locateBeside(older, beside)) continue
    expect(shown(beside.version)).toBe(shown(newestOf(versions, cursor.key, older)))
  }
}
