/**
 * Texts of documents that begin with a byte order mark (U+FEFF), for readers that take one away.
 *
 * Where msgpackr has no native part, it reads texts of more than 64 bytes by a `TextDecoder` that drops a mark at the
 * beginning: such a text would come back shorter than it went in. So it is given two.
 *
 *     stored     … │ str, 80 bytes │ mark h e l l o …           read as   "hello…"
 *     given      … │ str, 83 bytes │ mark mark h e l l o …      read as   "‹mark›hello…"
 *
 * Nothing else of a document has to change: MessagePack counts the items of arrays and maps, not their bytes.
 */
import { concatBytes } from '../base/bytes.ts'

const MARK = Uint8Array.of(0xef, 0xbb, 0xbf)
/** Of up to so many bytes msgpackr reads a text by itself, and keeps the mark. */
const KEPT_BYTES_MAX = 64
const FIRST_TYPE = 0xc0
const [FIRST_TEXT, LAST_TEXT] = [0xd9, 0xdb]

/** What stands behind a type: how many bytes a length has, and how many bytes there are beside what it counts. */
type Layout = readonly [lengthBytes: number, others: number]

const counted = (others: number): readonly Layout[] => [1, 2, 4].map((lengthBytes) => [lengthBytes, others])
const fixed = (...sizes: readonly number[]): readonly Layout[] => sizes.map((others) => [0, others])

/** Of the types 0xc0 to 0xdf. Source: the MessagePack specification, "Formats". */
const LAYOUTS: readonly Layout[] = [
  ...fixed(0, 0, 0, 0), // nil, none, false, true
  ...counted(0), // bytes
  ...counted(1), // extensions
  ...fixed(4, 8), // floats
  ...fixed(1, 2, 4, 8, 1, 2, 4, 8), // integers, without and with sign
  ...fixed(2, 3, 5, 9, 17), // extensions of a fixed length
  ...counted(0), // texts
  ...fixed(2, 4, 2, 4), // how many items arrays and maps have
]

/** A document whose long texts have their marks twice. Throws a `RangeError` for bytes that are no document. */
export function withMarksTwice(document: Uint8Array): Uint8Array {
  if (!hasMark(document)) return document
  const view = new DataView(document.buffer, document.byteOffset, document.length)
  const parts: Uint8Array[] = []
  let copied = 0
  for (let at = 0; at < document.length;) {
    const type = view.getUint8(at)
    const [lengthBytes, others] = LAYOUTS[type - FIRST_TYPE] ?? [0, isShortText(type) ? type & 0x1f : 0]
    const from = at + 1 + lengthBytes
    const length = lengthAt(view, at + 1, lengthBytes)
    const isLongText = type >= FIRST_TEXT && type <= LAST_TEXT && length > KEPT_BYTES_MAX
    if (isLongText && hasMarkAt(document, from)) {
      parts.push(document.subarray(copied, at), longText(length + MARK.length), MARK)
      copied = from
    }
    at = from + length + others
  }
  return concatBytes([...parts, document.subarray(copied)])
}

function lengthAt(view: DataView, at: number, bytes: number): number {
  if (bytes === 0) return 0
  if (bytes === 1) return view.getUint8(at)
  return bytes === 2 ? view.getUint16(at) : view.getUint32(at)
}

/** Where a text of so many bytes begins. */
function longText(length: number): Uint8Array {
  const bytes = new Uint8Array(5)
  bytes[0] = LAST_TEXT
  new DataView(bytes.buffer).setUint32(1, length)
  return bytes
}

/** Texts of up to 31 bytes say their length in their type. */
function isShortText(type: number): boolean {
  return type >= 0xa0 && type < FIRST_TYPE
}

function hasMark(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(MARK[0]!); at !== -1; at = bytes.indexOf(MARK[0]!, at + 1))
    if (hasMarkAt(bytes, at)) return true
  return false
}

function hasMarkAt(bytes: Uint8Array, at: number): boolean {
  return MARK.every((byte, i) => bytes[at + i] === byte)
}
