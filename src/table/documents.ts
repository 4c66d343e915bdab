/**
 * Documents as bytes: MessagePack of plain data.
 *
 * The rule: what is taken in comes out again as it went in. What would not is refused on the way in
 * (`INVALID_VALUE`), and what comes out has no memory in common with the engine.
 */
import { Packr, isNativeAccelerationEnabled } from 'msgpackr'
import { FormatError } from '../base/binary.ts'
import { copyOf } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { withMarksTwice } from './byte-order-marks.ts'

// Records would make a document depend on what the same packer packed before.
// `variableMapSize` lifts its limit of 65,535 fields; `toJSON` is a field like any other.
const packr = new Packr({
  useRecords: false,
  moreTypes: true,
  structuredClone: false,
  variableMapSize: true,
  useToJSON: false,
})

/** What it makes of any value: of Node's class where there is one, which it also takes for bytes. */
const PACKED: unknown = Object.getPrototypeOf(packr.pack(null))

/**
 * Where small documents are read. msgpackr hangs a view of their own on all bytes that it is given, which takes a sixth
 * of what a small document does; these have theirs.
 */
const READ_MEMORY = new Uint8Array(4 * 1024)

type Fields = Record<string, unknown>

const DEPTH_MAX = 200
const INTEGER_MAX = 2n ** 64n
/** The keys of an array with more items are not listed: that would take half as long as to write it down. */
const LISTED_ITEMS_MAX = 16

/** The bytes of a document, in memory of their own. Throws `INVALID_VALUE`. */
export function bytesOfDocument(value: unknown): Uint8Array {
  checkDocument(value, 0)
  return copyOf(packr.pack(value))
}

/** The document of bytes. Throws if they are none, or one that {@link bytesOfDocument} refuses. */
export function documentOf(bytes: Uint8Array): unknown {
  return withoutBuffers(unpack(isNativeAccelerationEnabled ? bytes : withMarksTwice(bytes)))
}

function unpack(bytes: Uint8Array): unknown {
  if (bytes.length > READ_MEMORY.length) return packr.unpack(bytes)
  READ_MEMORY.set(bytes)
  return packr.unpack(READ_MEMORY, bytes.length)
}

/**
 * Refuses what would not come back as it went in. Lost are the sign of −0, as in JSON, which items of an array are holes,
 * and what a long array has beside its items.
 */
function checkDocument(value: unknown, depth: number): void {
  const refuse = (what: string): never => {
    throw new PalimpsestError('INVALID_VALUE', `a document cannot hold ${what}`)
  }
  if (depth > DEPTH_MAX) refuse(`more than ${DEPTH_MAX} levels`)
  switch (typeof value) {
    case 'undefined':
      return depth === 0 ? refuse('undefined; delete the key instead') : undefined
    case 'string':
      return value.isWellFormed() ? undefined : refuse('half of a surrogate pair')
    case 'number':
    case 'boolean':
      return undefined
    case 'bigint':
      return value < INTEGER_MAX && value >= -INTEGER_MAX / 2n
        ? undefined
        : refuse('an integer beyond 64 bits')
    case 'object':
      break
    default:
      return refuse(`a ${typeof value}`)
  }
  if (value === null) return
  // Their class would be written down by a name that no reader knows.
  if (value instanceof Uint8Array)
    return isPlainBytes(value) ? undefined : refuse('bytes of a class of their own')
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? refuse('a date that is none') : undefined
  if (Array.isArray(value)) {
    if (hasMoreThanItems(value)) refuse('an array with properties beside its items')
    for (const item of value) checkDocument(item, depth + 1)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) refuse('an instance of a class')
  if (hasSymbolField(value)) refuse('a field whose name is a symbol')
  for (const name of Object.keys(value)) {
    if (name === '__proto__') refuse('a field called __proto__')
    if (!name.isWellFormed()) refuse('half of a surrogate pair')
    checkDocument((value as Fields)[name], depth + 1)
  }
}

/** As of fields with names, only those count that can be listed. */
function hasSymbolField(value: object): boolean {
  const isListed = (symbol: symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol)
  return Object.getOwnPropertySymbols(value).some(isListed)
}

/** Whether an array is seen to have properties beside its items, which come first among its keys. */
function hasMoreThanItems(items: readonly unknown[]): boolean {
  if (items.length > LISTED_ITEMS_MAX) return false
  const last = Object.keys(items).at(-1)
  return last !== undefined && !/^(?:0|[1-9]\d*)$/.test(last)
}

/** Whether bytes are a `Uint8Array` and no more, or what msgpackr itself makes. */
function isPlainBytes(bytes: Uint8Array): boolean {
  const prototype: unknown = Object.getPrototypeOf(bytes)
  return prototype === Uint8Array.prototype || prototype === PACKED
}

/**
 * Replaces msgpackr's `Buffer`s, which are looks at its input, by bytes of their own, in place. Throws for what
 * {@link checkDocument} refuses and msgpackr reads: sets, maps, errors, expressions, unknown extensions.
 */
function withoutBuffers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Uint8Array) return copyOf(value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = withoutBuffers(value[i])
    return value
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new FormatError('an instance of a class')
  const fields = value as Fields
  // A list of the names takes V8 as long as all the rest. What somebody gave all objects comes as well, and is not of here.
  for (const name in fields) {
    const field = fields[name]
    if (typeof field === 'object' && Object.hasOwn(fields, name)) fields[name] = withoutBuffers(field)
  }
  return value
}
