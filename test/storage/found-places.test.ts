/** Places are found by hash and time as they were noted, as far as the memory for them goes. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { type FoundPlace, FoundPlaces, NOT_KNOWN } from '../../src/storage/found-places.ts'
import { SoughtKey } from '../../src/storage/sought-key.ts'
import { MAX_TIME, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'
import { tick } from './samples.ts'

interface Note extends FoundPlace {
  readonly hash: number
}

const hash = fc.oneof(fc.constantFrom(-1, 0, 1, 64, 128), fc.integer())
/** Times whose upper or lower halves alone do not decide. */
const time = fc.constantFrom(MIN_TIME, tick(1), tick(2), tick(2 ** 40), tick(2 ** 40 + 1), MAX_TIME)
const note: fc.Arbitrary<Note> = fc
  .record({
    hash,
    table: fc.integer({ min: 1, max: 3 }),
    block: fc.nat(1),
    key: fc.nat(1),
    times: fc.tuple(time, time),
  })
  .map(({ times, ...place }) => {
    const [from, through] = times[0] < times[1] ? times : [times[1], times[0]]
    return { ...place, from, through }
  })

type Place = Pick<FoundPlace, 'table' | 'block' | 'key'>

/** The place that is found, as it was noted. */
function found(places: FoundPlaces, { hash: of }: Note, at: FoundPlace['from']) {
  return placeAt(places, places.find(of, at))
}

function placeAt(places: FoundPlaces, place: number): Place | undefined {
  if (place === NOT_KNOWN) return undefined
  return { table: places.tableOf(place), block: places.blockOf(place), key: places.keyOf(place) }
}

function isAt({ table, block, key }: Place, place: Place | undefined): boolean {
  return table === place?.table && block === place.block && key === place.key
}

test('the place that was noted last is found, and none that was not noted for the hash and the time', () => {
  holds(
    fc.property(fc.array(note, { maxLength: 100 }), fc.array(time), (notes, times) => {
      const places = new FoundPlaces(1e6)
      const known: Note[] = []
      for (const one of notes) {
        places.note(one.hash, one)
        known.push(one)
        const { table, block, key } = one
        expect(found(places, one, one.through)).toEqual({ table, block, key })
        // In a table, whatever place of the hash comes first.
        const inTable = placeAt(places, places.findIn(table, one.hash))
        expect(inTable?.table).toBe(table)
        expect(known.some((each) => each.hash === one.hash && isAt(each, inTable))).toBe(true)
        expect(places.findIn(4, one.hash)).toBe(NOT_KNOWN)
        for (const at of times) {
          const place = found(places, one, at)
          const isNoted = known.some(
            (each) => each.hash === one.hash && each.from <= at && at <= each.through && isAt(each, place),
          )
          expect(place === undefined || isNoted).toBe(true)
        }
      }
    }),
    200,
  )
})

test('the places of one key in many trees do not stand in each other’s way', () => {
  const key = bytesOfText('a key')
  const trees = Array.from({ length: 1000 }, (_, tree) => new SoughtKey(key, tree).placeHash)
  expect(new Set(trees).size).toBe(1000)
})

test.each([0, 4096, 64 * 1024])('in %i bytes there are no more places than fit', (bytes) => {
  const places = new FoundPlaces(bytes)
  const notes = Array.from({ length: 10_000 }, (_, i): Note => {
    return { hash: Math.imul(i, 0x9e3779b1), table: 1, block: i, key: 0, from: tick(1), through: tick(9) }
  })
  for (const one of notes) places.note(one.hash, one)
  const kept = notes.filter((one) => found(places, one, tick(5))?.block === one.block)
  // A place takes 32 bytes. With nothing given there are a few all the same.
  const room = Math.max(bytes, 2048) / 32
  expect(kept.length).toBeLessThanOrEqual(room)
  expect(kept.length).toBeGreaterThan(room / 4)
})
