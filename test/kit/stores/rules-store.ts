/**
 * A versioned store whose every decision is a rule that can be exchanged. With {@link RIGHT} it is right; with
 * one rule broken it has exactly one fault, which a checker of stores must find.
 */
import {
  type Entry,
  type ScanRange,
  type StoreSnapshot,
  type VersionedStore,
  type Write,
} from '../../../src/testing.ts'

/** A version; `undefined` for its value is a tombstone. */
export interface Version {
  readonly key: string
  readonly time: bigint
  readonly value: string | undefined
}

/** What a process leaves to the next. */
export interface Remains {
  readonly versions: readonly Version[]
  readonly cutoff: bigint
}

/** The decisions of a store. */
export interface Rules {
  /** The writes of a commit that count. */
  readonly counted: (writes: readonly Write[]) => readonly Write[]
  /** When a write was made: the one with this index in a commit at `at`. */
  readonly timeOf: (at: bigint, index: number) => bigint
  /** The key under which a version is kept. */
  readonly filedUnder: (key: string) => string
  /** Whether a write is taken, after the newest version of its key. */
  readonly takes: (write: Write, newest: Version | undefined) => boolean
  /** Whether a new version of a key takes the place of an older one. */
  readonly replaces: (newer: Version, older: Version) => boolean
  /** Whether a version is one of the key that is asked for. */
  readonly isOf: (key: string, asked: string) => boolean
  /** Whether a version from a time shows as of another. */
  readonly isVisible: (time: bigint, asOf: bigint) => boolean
  /** The version that shows, of those of a key that are visible, newest first. */
  readonly shown: (visible: readonly Version[]) => Version | undefined
  /** What is answered for a key. */
  readonly answer: (key: string, version: Version | undefined) => string | undefined
  /** Whether a key lies in a range. */
  readonly isInRange: (key: string, range: ScanRange) => boolean
  /** Whether a scan looks at a key at all, given its newest version. */
  readonly isScanned: (newest: Version, asOf: bigint) => boolean
  /** What a scan lists for a key, given what a get answers; nothing if it does not. */
  readonly listed: (value: string | undefined) => string | undefined
  /** The order of keys. */
  readonly compare: (a: string, b: string) => number
  /** A scan in reverse, of entries in order. */
  readonly reversed: (entries: readonly Entry[]) => readonly Entry[]
  /** The cutoff after another one is asked for. */
  readonly raised: (cutoff: bigint, asked: bigint) => bigint
  /** Whether a read is refused. */
  readonly refuses: (asOf: bigint, cutoff: bigint) => boolean
  /** Whether a version outlives a collection, given the newer ones of its key, newest first. */
  readonly survives: (version: Version, newer: readonly Version[], first: bigint) => boolean
  /** The first time that a collection keeps, given what snapshots show. */
  readonly firstKept: (cutoff: bigint, snapshots: readonly bigint[]) => bigint
  /** What another process finds. */
  readonly afterReopening: (left: Remains) => Remains
  /** The time that a snapshot of `taken` shows, when the newest commit is at `newest`. */
  readonly snapshotTime: (taken: bigint, newest: bigint) => bigint
  /** The range that a scan of a snapshot is made of. */
  readonly snapshotRange: (range: ScanRange) => ScanRange
  /** The snapshots that are left when one is closed. */
  readonly leftOpen: (snapshots: readonly bigint[], closed: bigint) => readonly bigint[]
  /** The time whose state a restore to a time brings back. */
  readonly restoredTo: (to: bigint) => bigint
  /** Whether a restore makes a write. */
  readonly restores: (write: Write) => boolean
  /** Whether a version is still there after a restore. */
  readonly outlivesRestore: (version: Version, to: bigint) => boolean
}

/** The rules of a store that is right. */
export const RIGHT: Rules = {
  counted: (writes) => writes.filter(({ key }, i) => !writes.slice(i + 1).some((later) => later.key === key)),
  timeOf: (at) => at,
  filedUnder: (key) => key,
  takes: () => true,
  replaces: () => false,
  isOf: (key, asked) => key === asked,
  isVisible: (time, asOf) => time <= asOf,
  shown: (visible) => visible[0],
  answer: (_, version) => version?.value,
  isInRange: (key, { gte = '', lt }) => key >= gte && (lt === undefined || key < lt),
  isScanned: () => true,
  listed: (value) => value,
  compare: (a, b) => (a < b ? -1 : a === b ? 0 : 1),
  reversed: (entries) => entries.toReversed(),
  raised: (cutoff, asked) => (asked > cutoff ? asked : cutoff),
  refuses: (asOf, cutoff) => asOf < cutoff,
  survives: (_, newer, first) => !newer.some(({ time }) => time <= first),
  firstKept: (cutoff, snapshots) => snapshots.reduce((a, b) => (a < b ? a : b), cutoff),
  afterReopening: (left) => left,
  snapshotTime: (taken) => taken,
  snapshotRange: (range) => range,
  leftOpen: (snapshots, closed) => snapshots.toSpliced(snapshots.indexOf(closed), 1),
  restoredTo: (to) => to,
  restores: () => true,
  outlivesRestore: () => true,
}

/** A store in memory that does what its rules say. */
export class RulesStore implements VersionedStore {
  readonly #rules: Rules
  /** Newest first. */
  #versions: readonly Version[] = []
  #newest = 0n
  #cutoff = 0n
  #snapshots: readonly bigint[] = []

  constructor(broken: Partial<Rules> = {}) {
    this.#rules = { ...RIGHT, ...broken }
  }

  commit(writes: readonly Write[], at: bigint): void {
    const rules = this.#rules
    for (const [i, { key, value }] of rules.counted(writes).entries()) {
      const version = { key: rules.filedUnder(key), time: rules.timeOf(at, i), value }
      if (!rules.takes(version, this.#newestOf(version.key))) continue
      const kept = this.#versions.filter(
        (older) => older.key !== version.key || !rules.replaces(version, older),
      )
      this.#versions = [version, ...kept].toSorted((a, b) => Number(b.time - a.time))
    }
    this.#newest = at
  }

  get(key: string, asOf: bigint): string | undefined {
    this.#refuse(asOf)
    return this.#find(key, asOf)
  }

  scan(range: ScanRange, asOf: bigint): readonly Entry[] {
    this.#refuse(asOf)
    return this.#list(range, asOf)
  }

  collect(cutoff: bigint): void {
    const rules = this.#rules
    this.#cutoff = rules.raised(this.#cutoff, cutoff)
    const first = rules.firstKept(this.#cutoff, this.#snapshots)
    this.#versions = this.#versions.filter((version, i, all) => {
      const newer = all.slice(0, i).filter(({ key }) => key === version.key)
      return rules.survives(version, newer, first)
    })
  }

  reopen(): void {
    const { versions, cutoff } = this.#rules.afterReopening({
      versions: this.#versions,
      cutoff: this.#cutoff,
    })
    this.#versions = versions
    this.#cutoff = cutoff
    this.#snapshots = []
  }

  snapshot(): StoreSnapshot {
    const taken = this.#newest
    this.#snapshots = [...this.#snapshots, taken]
    const time = (): bigint => this.#rules.snapshotTime(taken, this.#newest)
    return {
      get: (key) => this.#find(key, time()),
      scan: (range) => this.#list(this.#rules.snapshotRange(range), time()),
      close: () => {
        this.#snapshots = this.#rules.leftOpen(this.#snapshots, taken)
      },
    }
  }

  restore(to: bigint, at: bigint): void {
    const keys = new Set(this.#versions.map(({ key }) => key))
    const state = Array.from(keys, (key) => ({ key, value: this.#find(key, this.#rules.restoredTo(to)) }))
    this.commit(
      state.filter((write) => this.#rules.restores(write)),
      at,
    )
    this.#versions = this.#versions.filter(
      (version) => version.time === at || this.#rules.outlivesRestore(version, to),
    )
  }

  #find(asked: string, asOf: bigint): string | undefined {
    const rules = this.#rules
    const filed = rules.filedUnder(asked)
    const visible = this.#versions.filter(
      ({ key, time }) => rules.isOf(key, filed) && rules.isVisible(time, asOf),
    )
    return rules.answer(asked, rules.shown(visible))
  }

  #list(range: ScanRange, asOf: bigint): readonly Entry[] {
    const rules = this.#rules
    const keys = new Set(this.#versions.map(({ key }) => key))
    const scanned = [...keys].filter(
      (key) => rules.isInRange(key, range) && rules.isScanned(this.#newestOf(key)!, asOf),
    )
    const entries = scanned.toSorted(rules.compare).flatMap((key): readonly Entry[] => {
      const value = rules.listed(this.#find(key, asOf))
      return value === undefined ? [] : [[key, value]]
    })
    return range.reverse === true ? rules.reversed(entries) : entries
  }

  #newestOf(key: string): Version | undefined {
    return this.#versions.find((version) => version.key === key)
  }

  #refuse(asOf: bigint): void {
    if (this.#rules.refuses(asOf, this.#cutoff)) throw new RangeError(`${asOf} is below the cutoff`)
  }
}
