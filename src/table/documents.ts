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
 * Where small documents are read. msgpackr hangs a view of their own on all bytes that it is given, which takes longer
 * than copying a small document to bytes that have theirs.
 */
const READ_MEMORY = new Uint8Array(4 * 1024)

type Fields = Record<string, unknown>

const DEPTH_MAX = 200
const INTEGER_MAX = 2n ** 64n
/** The keys of an array with more items are not listed: that would take half as long as to write it down. */
const LISTED_ITEMS_MAX = 16

/** The bytes of a document, in memory of their own. Throws `INVALID_VALUE`, which says where in it. */
export function bytesOfDocument(value: unknown): Uint8Array {
  const found = flawOf(value, 0)
  if (found !== undefined) throw refusal(found)
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

/** What a document cannot hold, and the way there from the outside: names of fields, and places in lists. */
interface Flaw {
  readonly what: string
  readonly way: (string | number)[]
}

/** More steps, and more characters of a name, say no more to whoever looks for the place. */
const TOLD_STEPS_MAX = 8
const TOLD_NAME_MAX = 40

function refusal({ what, way }: Flaw): PalimpsestError {
  const steps = way.filter((_, i) => i < TOLD_STEPS_MAX).map(stepText)
  const where = steps.join('').replace(/^\./, '') + (way.length > TOLD_STEPS_MAX ? '…' : '')
  const message = `a document cannot hold ${what}${where === '' ? '' : `: at ${where}`}`
  return new PalimpsestError('INVALID_VALUE', message, { path: way })
}

function stepText(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`
  const told = step.length > TOLD_NAME_MAX ? `${step.substring(0, TOLD_NAME_MAX)}…` : step
  return /^[\w$]+$/.test(told) ? `.${told}` : `[${JSON.stringify(told)}]`
}

/**
 * What of a value would not come back as it went in. Lost are the sign of −0, as in JSON, which items of an array are holes,
 * and what a long array has beside its items.
 */
function flawOf(value: unknown, depth: number): Flaw | undefined {
  if (depth > DEPTH_MAX) return flaw(`more than ${DEPTH_MAX} levels`)
  switch (typeof value) {
    case 'undefined':
      return depth === 0 ? flaw('undefined; delete the key instead') : undefined
    case 'string':
      return value.isWellFormed() ? undefined : flaw('half of a surrogate pair')
    case 'number':
    case 'boolean':
      return undefined
    case 'bigint':
      return value < INTEGER_MAX && value >= -INTEGER_MAX / 2n ? undefined : flaw('an integer beyond 64 bits')
    case 'object':
      return value === null ? undefined : flawOfObject(value, depth)
    default:
      return flaw(`a ${typeof value}`)
  }
}

function flawOfObject(value: object, depth: number): Flaw | undefined {
  // Their class would be written down by a name that no reader knows.
  if (value instanceof Uint8Array)
    return isPlainBytes(value) ? undefined : flaw('bytes of a class of their own')
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? flaw('a date that is none') : undefined
  if (Array.isArray(value)) return flawOfItems(value, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return flaw('an instance of a class')
  if (hasSymbolField(value)) return flaw('a field whose name is a symbol')
  for (const name of Object.keys(value)) {
    if (name === '__proto__') return flaw('a field called __proto__')
    if (!name.isWellFormed()) return flaw('half of a surrogate pair')
    const found = flawOf((value as Fields)[name], depth + 1)
    if (found !== undefined) return behind(name, found)
  }
  return undefined
}

function flawOfItems(items: readonly unknown[], depth: number): Flaw | undefined {
  if (hasMoreThanItems(items)) return flaw('an array with properties beside its items')
  for (let i = 0; i < items.length; i++) {
    const found = flawOf(items[i], depth + 1)
    if (found !== undefined) return behind(i, found)
  }
  return undefined
}

function flaw(what: string): Flaw {
  return { what, way: [] }
}

function behind(step: string | number, found: Flaw): Flaw {
  found.way.unshift(step)
  return found
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
 * {@link bytesOfDocument} refuses and msgpackr reads: sets, maps, errors, expressions, unknown extensions.
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
  // To list the names would take V8 several times as long. What somebody gave all objects comes as well, and is not of here.
  for (const name in fields) {
    const field = fields[name]
    if (typeof field === 'object' && Object.hasOwn(fields, name)) fields[name] = withoutBuffers(field)
  }
  return value
}
