/**
 * Everything that takes in bytes or text from outside, as targets for hostile bytes: what a good input
 * looks like, how it is read, what a bad one is refused with, and how to tell that an accepted one was
 * understood.
 */
import { isDeepStrictEqual } from 'node:util'
import { FormatError } from '../../src/base/binary.ts'
import { bytesOfText, concatBytes, equalBytes, nearestTextOf } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { type ErrorCode, PalimpsestError } from '../../src/base/errors.ts'
import { putRow, readRow } from '../../src/catalog/rows.ts'
import { generateHistory } from '../../src/lab/git/generator.ts'
import { parseGitLog, writeGitLog } from '../../src/lab/git/gitlog.ts'
import { byteTextOf, quotePath, unquotePath } from '../../src/lab/git/quoting.ts'
import { Block, BlockBuilder } from '../../src/storage/block.ts'
import { checkBloomFilter, mayContain } from '../../src/storage/bloom-filter.ts'
import { replaySegments, segmentPath } from '../../src/storage/log.ts'
import { encodeManifestEdit } from '../../src/storage/manifest-format.ts'
import { newManifestState, wholeEdit } from '../../src/storage/manifest-state.ts'
import { readWholeFile } from '../../src/storage/files.ts'
import { MANIFEST_PATH, stateIn } from '../../src/storage/manifest.ts'
import { numberIn, readRecords } from '../../src/storage/record-file.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import {
  decodeFacts,
  decodeFooter,
  decodeIndex,
  encodeFacts,
  encodeFooter,
  encodeIndex,
  tableNumberOf,
  tablePath,
} from '../../src/storage/table-format.ts'
import { TableFiles } from '../../src/storage/table-files.ts'
import { decodeKey, decodeValue, viewKey, viewValue } from '../../src/table/codec.ts'
import { decodeRecord, encodeRecord } from '../../src/storage/commit-record.ts'
import { SoughtKey } from '../../src/storage/sought-key.ts'
import { type Directory } from '../../src/testing/hostile/attack.ts'
import { forgeJson } from '../../src/testing/hostile/json-forgery.ts'
import { forgeRecordFile, recordFileParts } from '../../src/testing/hostile/record-forgery.ts'
import { buildScene } from '../../src/testing/hostile/scene.ts'
import { tableParts } from '../../src/testing/hostile/table-forgery.ts'
import { checkScript } from '../../src/testing/script/script.ts'
import { formatDuration, parseDuration } from '../../src/time/duration.ts'
import { parseTimeExpression } from '../../src/time/expression.ts'
import { formatExact, formatIso, parseExact } from '../../src/time/hybrid-time.ts'
import { type Random } from '../../src/simulator/random.ts'
import { putFile } from '../storage/samples.ts'

/** One reader of outside input. */
export interface Target {
  readonly name: string
  /** Good inputs, to be damaged. */
  readonly good: readonly Uint8Array[]
  /** Reads an input; throws a `FormatError`, or an error with one of the {@link codes}. Answers whether it was understood. */
  readonly read: (bytes: Uint8Array) => boolean
  readonly codes: readonly ErrorCode[]
  /** Another way to change a good input than damage. */
  readonly forge?: ((random: Random, bytes: Uint8Array) => Uint8Array) | undefined
  /** How many cases it gets, against 1: what is slow gets fewer. @defaultValue 1 */
  readonly weight?: number | undefined
}

const scene = buildScene(7, 40, crc32)
const filesNamed = (end: string): Directory =>
  new Map([...scene.directory].filter(([name]) => name.endsWith(end)))
const tables = [...filesNamed('.table')].slice(0, 8)
const parts = tables.map(([name, bytes]) => tableParts(bytes, tableNumberOf(name)!, crc32))
const segments = [...filesNamed('.log')]
const logPayloads = segments.flatMap(
  ([name, bytes]) => recordFileParts(bytes, 'PALIMLOG', Number(name.replace('.log', '')), crc32)!.payloads,
)
const manifest = scene.directory.get(MANIFEST_PATH)!
const edits = recordFileParts(manifest, 'PALIMMAN', numberIn(manifest), crc32)!.payloads.slice(0, 6)
/** What each of them is read behind. */
const birth = bytesOfText(
  encodeManifestEdit(wholeEdit(newManifestState({ geometry: 'miniature', clock: 'system' }))),
)
const SEPARATOR = Uint8Array.of(0)

/** An input is refused, or says exactly what was in it: written again, it is the same bytes. */
const exactly = <T>(decode: (bytes: Uint8Array) => T, encode: (value: T) => Uint8Array) => ({
  codes: [],
  read: (bytes: Uint8Array) => equalBytes(encode(decode(bytes)), bytes),
})

/** An input is refused, or is understood in one way: what was read, written and read again is the same. */
const stably =
  <T>(decode: (bytes: Uint8Array) => T, encode: (value: T) => Uint8Array) =>
  (bytes: Uint8Array) => {
    const value = decode(bytes)
    return isDeepStrictEqual(decode(encode(value)), value)
  }

const text = nearestTextOf
const texts = (...all: string[]) => all.map((one) => bytesOfText(one))

function forgedText(random: Random, bytes: Uint8Array): Uint8Array {
  return bytesOfText(forgeJson(random, text(bytes)))
}

/** A row as one input: its key, a zero byte, its value. */
function rowOf(bytes: Uint8Array): { key: Uint8Array; value: Uint8Array } {
  const end = bytes.indexOf(0)
  return { key: bytes.subarray(0, Math.max(end, 0)), value: bytes.subarray(end + 1) }
}

const rows = texts(
  'counter\0{"next":6}',
  'generation/000002/1763633730000000.0001\0{"keyspace":1,"tablets":[3],"cause":"restore","base":[["5.0000","7.0000"]],"from":"1763633730000000.0000","start":"1763633730000000.0001","end":"1763633730000009.0000"}',
  'hold/000004\0{"name":"audit","scope":{"table":2},"owner":"user","reason":"tax","expiresMicros":1795169730000000,"after":"1.0000","through":"2.0000"}',
  'keyspace/000001\0{"name":"shop"}',
  'ratchet/000002\0{"time":"1763028930001000.0000"}',
  'restore/000005\0{"cause":"undo","keyspace":1,"table":2,"to":"5.4095","at":"6.0000","undoes":4}',
  'retention/database\0{"keep":172800000000}',
  'table/000002\0{"keyspace":1,"name":"orders","keys":"text","values":"document"}',
  'freed/000009\0{}',
)

const documents = [
  { n: 1, text: 'x', list: [1, -2.5, null, true], at: new Date(5), big: 2n ** 63n, none: undefined },
  'text',
  [{ bytes: Uint8Array.of(1, 2) }, {}, [], 'y'.repeat(300)],
  Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`field ${i}`, i])),
  -1,
]

function blockAgain(bytes: Uint8Array): boolean {
  const block = new Block(bytes)
  const builder = new BlockBuilder()
  for (let k = 0; k < block.keyCount; k++) {
    const from = block.versionsFrom(k)
    for (let v = from; v < block.versionsTo(k); v++)
      builder.add(block.keyAt(k), block.versionAt(v), v === from)
    block.findTime(block.findKey(new SoughtKey(block.keyAt(k))) % block.keyCount, block.timeAt(from))
  }
  return equalBytes(builder.finish(), bytes)
}

/** Whatever part of the file is asked for, nothing but what was written comes out of it. */
function tableAgain(number: number, whole: Uint8Array): (bytes: Uint8Array) => boolean {
  return (bytes) => {
    const files = new MemoryFiles()
    putFile(files, tablePath(number), bytes)
    const opened = new TableFiles(files, crc32, { cacheBytes: 1e5, openTables: 2 })
    try {
      const table = opened.open(number)
      for (const [i] of table.index.entries()) table.block(i)
      for (const { key } of table.versions()) table.firstBlockFrom(new SoughtKey(key))
      return equalBytes(bytes, whole)
    } finally {
      opened.close()
    }
  }
}

/** A prefix of the payloads that were written, and every byte accounted for. */
function segmentAgain(bytes: Uint8Array, number: number, payloads: readonly Uint8Array[]): boolean {
  const { records, wholeBytes, tornBytes } = readRecords(bytes, 'PALIMLOG', number, crc32)
  return (
    wholeBytes + tornBytes === bytes.length &&
    records.every(({ payload }, i) => payloads[i] !== undefined && equalBytes(payload, payloads[i]))
  )
}

function logAgain(bytes: Uint8Array): boolean {
  const files = new MemoryFiles()
  putFile(files, segmentPath(1), bytes)
  const replayed = [...replaySegments(files, 1, crc32)].map(({ payload }) => payload)
  return replayed.every((payload, i) => equalBytes(payload, logPayloads[i]!))
}

/** An edit as the first of a manifest: what it says is what it said before, or the manifest is refused. */
function editAgain(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true
  const files = new MemoryFiles()
  const head = { magic: 'PALIMMAN' as const, number: 1, formerBytes: 0 }
  putFile(files, MANIFEST_PATH, forgeRecordFile({ ...head, payloads: [birth, bytes] }, crc32))
  stateIn(readWholeFile(files, MANIFEST_PATH), crc32)
  return true
}

/** A script with its answers filled in expects them: run again, it stays. Nothing is left of blanks alone. */
function scriptAgain(script: string): boolean {
  const { text: answered } = checkScript(script)
  if (script.trim() === '') return answered === ''
  const { text: again, mismatches } = checkScript(answered)
  return answered !== '' && again === answered && mismatches.length === 0
}

function documentAgain(bytes: Uint8Array): boolean {
  const value = decodeValue(bytes, 'document')
  try {
    // Bytes are compared, because they have no sign of −0, which MessagePack can say.
    const again = viewValue(value, 'document')
    return equalBytes(viewValue(decodeValue(again, 'document'), 'document'), again)
  } catch (error) {
    // MessagePack can say what no table takes: text with half a pair, a bare undefined, a deep nest.
    if (error instanceof PalimpsestError && error.code === 'INVALID_VALUE') return true
    throw error
  }
}

const NOW = {
  nowMicros: 1_763_633_730_123_456,
  resolveName: (name: string) => (name === 'audit' ? parseExact('7.0001') : undefined),
}
const firstSegment = forgeRecordFile(
  { magic: 'PALIMLOG', number: 1, formerBytes: 0, payloads: logPayloads.slice(0, 12) },
  crc32,
)
const gitLogs = [3, 4].map((seed) => {
  const commits = [...generateHistory({ seed, commits: 4, files: 8 })]
  return bytesOfText([...writeGitLog(commits)].join(''))
})
const script = `# A restore, and its undo.

table t keep=forever
at 1: put a=1
at 3: put a=3
clock 6
restore to=2
---
restore-4: t rewound

get a as of 5
flush
versions
---
a=3
`

/** All targets. */
export const TARGETS: readonly Target[] = [
  { name: 'commit record', good: logPayloads, ...exactly(decodeRecord, encodeRecord) },
  { name: 'block', good: parts.flatMap(({ blocks }) => blocks), codes: [], read: blockAgain },
  { name: 'table index', good: parts.map(({ index }) => index), ...exactly(decodeIndex, encodeIndex) },
  { name: 'table facts', good: parts.map(({ facts }) => facts), ...exactly(decodeFacts, encodeFacts) },
  {
    name: 'table footer',
    good: [tables[0]![1].subarray(-48)],
    ...exactly(
      (bytes) => decodeFooter(bytes, tables[0]![1].length, tableNumberOf(tables[0]![0])!, crc32),
      (footer) => encodeFooter(footer, tableNumberOf(tables[0]![0])!, crc32),
    ),
  },
  {
    name: 'filter',
    good: parts.map(({ filter }) => filter),
    codes: [],
    read: (bytes) => {
      checkBloomFilter(bytes)
      return typeof mayContain(bytes, 0x1234_5678) === 'boolean'
    },
  },
  ...tables.slice(0, 2).map(([name, bytes]): Target => ({
    name: `table file of ${bytes.length} bytes`,
    good: [bytes],
    codes: ['TABLE_CORRUPT'],
    read: tableAgain(tableNumberOf(name)!, bytes),
  })),
  {
    name: 'record file',
    good: [firstSegment],
    codes: [],
    read: (bytes) => segmentAgain(bytes, 1, logPayloads),
    weight: 0.5,
  },
  { name: 'log', good: [firstSegment], codes: ['LOG_CORRUPT'], read: logAgain, weight: 0.5 },
  {
    name: 'manifest edit',
    good: edits,
    codes: ['MANIFEST_CORRUPT'],
    read: editAgain,
    forge: forgedText,
    weight: 0.5,
  },
  {
    name: 'catalog row',
    good: rows,
    codes: ['CATALOG_CORRUPT'],
    read: stably(
      (bytes) => readRow(rowOf(bytes).key, rowOf(bytes).value),
      (row) => {
        const { key, value } = putRow(row)
        return concatBytes([key, SEPARATOR, value!])
      },
    ),
    forge: (random, bytes) => {
      const { key, value } = rowOf(bytes)
      return concatBytes([key, SEPARATOR, forgedText(random, value)])
    },
  },
  {
    name: 'document',
    good: documents.map((one) => viewValue(one, 'document')),
    codes: ['TABLE_CORRUPT'],
    read: documentAgain,
  },
  {
    name: 'text key',
    good: texts('key', 'schlüssel', '日本', '😀'),
    codes: ['TABLE_CORRUPT'],
    read: (bytes) => equalBytes(viewKey(decodeKey(bytes, 'text'), 'text'), bytes),
  },
  {
    name: 'git log',
    good: gitLogs,
    codes: ['INVALID_TRACE'],
    read: (bytes) => [...parseGitLog([bytes])].length > 0,
    weight: 0.5,
  },
  {
    name: 'quoted path',
    good: texts('"a\\tb\\303\\274"', '"\\\\x"', '"plain"'),
    codes: [],
    read: (bytes) => {
      const path = unquotePath(byteTextOf(bytes))
      return path === undefined || unquotePath(quotePath(path)) === path
    },
  },
  {
    name: 'script',
    good: texts(script),
    codes: ['INVALID_TRACE'],
    read: (bytes) => scriptAgain(text(bytes)),
    weight: 0.02,
  },
  {
    name: 'time expression',
    good: texts(
      '2025-11-20T10:15:30.123456Z',
      '1763633730',
      '-1h30m',
      'minus 3d 4h',
      'now',
      'audit',
      '5.0001',
      '2025-11-20 10:15:30 +02:00',
      '2025-11-20 10:15 Europe/Berlin',
    ),
    codes: ['INVALID_TIME'],
    read: stably(
      (bytes) => parseTimeExpression(text(bytes), NOW),
      (time) => bytesOfText(formatExact(time)),
    ),
  },
  {
    name: 'hybrid time text',
    good: texts('1763633730123456.0007', '0.0000', '4503599627370495.4095', '3.0001'),
    codes: ['INVALID_TIME'],
    read: (bytes) => {
      const time = parseExact(text(bytes))
      return parseExact(formatExact(time)) === time && formatIso(time).endsWith('Z')
    },
  },
  {
    name: 'duration',
    good: texts('24h', '1d 2h', '90m', '5s', '10ms', '7us'),
    codes: ['INVALID_TIME'],
    read: stably(
      (bytes) => parseDuration(text(bytes)),
      (micros) => bytesOfText(formatDuration(micros)),
    ),
  },
]

/** Whether an error is how a target refuses. */
export function isRefusal(error: unknown, { codes }: Target): boolean {
  return error instanceof PalimpsestError ? codes.includes(error.code) : error instanceof FormatError
}
