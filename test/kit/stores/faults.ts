/**
 * The faults that are planted: mistakes that stores of versions are really made with, each as the one rule
 * that it breaks.
 */
import { type Rules, RIGHT } from './rules-store.ts'

const sameMicrosecond = (a: bigint, b: bigint): boolean => a >> 12n === b >> 12n
const signed = (key: string): string =>
  Array.from(key, (character) => String.fromCharCode((character.charCodeAt(0) + 0x80) % 0x100)).join('')

const latin1 = (text: string | undefined): string | undefined =>
  text?.replaceAll(/[^]/g, (character) => String.fromCharCode(character.charCodeAt(0) % 0x100))

/** Faults by name. */
export const FAULTS: Readonly<Record<string, Partial<Rules>>> = {
  // What a read as of a time shows.
  'as of is exclusive': { isVisible: (time, asOf) => time < asOf },
  'reads see the next tick': { isVisible: (time, asOf) => time <= asOf + 1n },
  'reads see later commits of the microsecond': { isVisible: (time, asOf) => time <= (asOf | 4095n) },
  'reads miss commits of the microsecond': {
    isVisible: (time, asOf) => time === asOf || time >> 12n < asOf >> 12n,
  },
  'commits of a microsecond become one': {
    replaces: (newer, older) => sameMicrosecond(newer.time, older.time),
  },
  'times are compared as text': { isVisible: (time, asOf) => String(time) <= String(asOf) },
  'tombstones are ignored': { shown: (visible) => visible.find(({ value }) => value !== undefined) },
  'a deletion erases the past': { replaces: ({ value }) => value === undefined },
  're-insertion is lost': { takes: (_, newest) => newest === undefined || newest.value !== undefined },
  'only the newest version is kept': { replaces: () => true },

  // Commits, keys and values.
  'the first write of a commit wins': {
    counted: (writes) => RIGHT.counted(writes.toReversed()).toReversed(),
  },
  'the writes of a commit have times of their own': { timeOf: (at, i) => at + BigInt(i) },
  'a deletion in a commit with others is lost': {
    counted: (writes) =>
      RIGHT.counted(writes).filter(({ value }, _, { length }) => length === 1 || value !== undefined),
  },
  'the empty value is absent': { answer: (_, version) => version?.value || undefined },
  'a long value is cut': { answer: (_, version) => version?.value?.substring(0, 255) },
  'values are bytes, one to a character': { answer: (_, version) => version && latin1(version.value) },
  'a key is found by its beginning': { isOf: (key, asked) => key.startsWith(asked) },
  'zero bytes end a key': { filedUnder: (key) => key.replace(/\0+$/, '') },
  'a long key is cut': { filedUnder: (key) => key.substring(0, 255) },
  'keys are names of an object': {
    answer: (key, version) => (version === undefined && key in {} ? 'inherited' : version?.value),
  },

  // Scans.
  'the end of a range is inclusive': {
    isInRange: (key, { gte = '', lt }) => key >= gte && (lt === undefined || key <= lt),
  },
  'the start of a range is exclusive': {
    isInRange: (key, { gte, lt }) => (gte === undefined || key > gte) && (lt === undefined || key < lt),
  },
  'a range has what begins with its end': {
    isInRange: (key, range) =>
      RIGHT.isInRange(key, range) ||
      (range.lt !== undefined && key.startsWith(range.lt) && key >= (range.gte ?? '')),
  },
  'scans miss keys that were changed since': { isScanned: ({ time }, asOf) => time <= asOf },
  'scans miss keys that were deleted since': { isScanned: ({ value }) => value !== undefined },
  'scans list deleted keys': { listed: (value) => value ?? '' },
  'shorter keys come first': { compare: (a, b) => a.length - b.length || RIGHT.compare(a, b) },
  'bytes are signed': { compare: (a, b) => RIGHT.compare(signed(a), signed(b)) },
  'case does not count in the order': { compare: (a, b) => RIGHT.compare(a.toUpperCase(), b.toUpperCase()) },
  'a scan in reverse is not': { reversed: (entries) => entries },
  'a scan in reverse misses its first': { reversed: (entries) => entries.slice(1).toReversed() },

  // Giving up history.
  'the cutoff itself is refused': { refuses: (asOf, cutoff) => cutoff > 0n && asOf <= cutoff },
  'a tick below the cutoff is answered': { refuses: (asOf, cutoff) => asOf < cutoff - 1n },
  'nothing is refused': { refuses: () => false },
  'cutoffs go back': { raised: (_, asked) => asked },
  'collecting drops the version of the boundary': { survives: ({ time }, _, first) => time >= first },
  'collecting drops it if there is a newer one': {
    survives: ({ time }, newer, first) => newer.length === 0 || time >= first,
  },
  'collecting is off by a tick': {
    survives: (_, newer, first) => !newer.some(({ time }) => time <= first + 1n),
  },
  'collecting keeps the oldest': { survives: ({ time }, newer, first) => time > first || newer.length === 0 },
  'collecting drops tombstones, and not what is under them': {
    survives: (version, newer, first) =>
      (version.value !== undefined || version.time > first) &&
      !newer.some(({ time, value }) => time <= first && value !== undefined),
  },
  'collecting drops the newest tombstone too early': {
    survives: (version, newer, first) =>
      RIGHT.survives(version, newer, first) && (version.value !== undefined || newer.length > 0),
  },

  // Processes, snapshots, restores.
  'reopening loses the last commit': {
    afterReopening: ({ versions, cutoff }) => ({
      versions: versions.filter(({ time }) => time !== versions[0]?.time),
      cutoff,
    }),
  },
  'reopening loses deletions': {
    afterReopening: ({ versions, cutoff }) => ({
      versions: versions.filter(({ value }) => value !== undefined),
      cutoff,
    }),
  },
  'reopening keeps what is newest only': {
    afterReopening: ({ versions, cutoff }) => ({
      versions: versions.filter(({ key }, i) => !versions.slice(0, i).some((newer) => newer.key === key)),
      cutoff,
    }),
  },
  'reopening forgets the cutoff': { afterReopening: ({ versions }) => ({ versions, cutoff: 0n }) },
  'a snapshot shows what is newest': { snapshotTime: (_, newest) => newest },
  'a snapshot misses the last commit': { snapshotTime: (taken) => taken - 1n },
  'a snapshot ignores the range of a scan': { snapshotRange: ({ reverse }) => ({ reverse }) },
  'a snapshot is not scanned in reverse': { snapshotRange: ({ gte, lt }) => ({ gte, lt }) },
  'a snapshot holds nothing': { firstKept: (cutoff) => cutoff },
  'closing a snapshot lets go of all': { leftOpen: () => [] },
  'a restore leaves new keys': { restores: ({ value }) => value !== undefined },
  'a restore brings nothing deleted back': { restores: ({ value }) => value === undefined },
  'a restore goes back a tick too far': { restoredTo: (to) => to - 1n },
  'a restore erases what it undoes': { outlivesRestore: ({ time }, to) => time <= to },
}
