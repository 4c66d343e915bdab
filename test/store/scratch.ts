/** Directories for databases on real files, and worlds to open them in. */
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { type OpenOptions } from '../../src/database/options.ts'
import { NodeFiles, checksum } from '../../src/platform/node-files.ts'
import { type PhysicalClock, type ClockReadings } from '../../src/time/clock.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

/** When the tests of this folder begin: 2025-11-20T10:15:30Z. */
export const START = 1_763_633_730_000_000
export const HOUR = 3_600_000_000

/** A clock of the kind that a machine has, that stands where it is put. */
export class StandingClock implements PhysicalClock {
  readonly #clock: ReplayClock

  constructor(micros: number = START) {
    this.#clock = new ReplayClock({ micros, leadMicros: 1000 })
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  readings(): ClockReadings {
    return this.#clock.readings()
  }

  reserveThrough(micros: number): number {
    return this.#clock.reserveThrough(micros)
  }

  advance(micros: number): void {
    this.#clock.advance(micros)
  }
}

/** A path at which there is nothing yet. What comes there goes when the test is over. */
export function newPlace(): string {
  return placeUntil(onTestFinished)
}

/** The same outside of a test: what comes there goes when all tests of the file are over. */
export function newPlaceOfFile(): string {
  return placeUntil(afterAll)
}

function placeUntil(theEnd: (remove: () => void) => void): string {
  const root = mkdtempSync(join(tmpdir(), 'palimpsest-store-'))
  theEnd(() => {
    rmSync(root, { recursive: true, force: true })
  })
  return join(root, 'place')
}

/** Opens the database in a directory. */
export function openAt(
  place: string,
  options: OpenOptions = {},
  clock: PhysicalClock = new StandingClock(),
): Database {
  return openDatabase({ files: new NodeFiles(place), clock, checksum }, options)
}

/** Copies a directory as it is at this moment: what a process that died leaves. */
export function copyPlace(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
}

/** A new place that is a copy of another. */
export function copyOfPlace(place: string): string {
  const copy = newPlace()
  copyPlace(place, copy)
  return copy
}

/** Every file of a directory with its content. */
export function contentOf(place: string): Record<string, string> {
  if (!existsSync(place)) return {}
  const names = readdirSync(place).toSorted()
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(place, name)).toString('base64')]))
}
