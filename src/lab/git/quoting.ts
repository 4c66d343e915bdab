/**
 * Paths as text: one character per byte, and git's quotes around the odd ones.
 *
 * *Byte text* has a character of code 0 to 255 for each byte. It loses nothing, serves as a key of maps,
 * and sorts as the bytes do. Git prints a path as it is unless it holds a double quote, a backslash or
 * a control character; then in double quotes, with C's escapes, three octal digits for what has no letter.
 */

/** One character for each byte. */
export function byteTextOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** The bytes of byte text, in memory of their own. */
export function bytesOfByteText(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['t', '\t'],
  ['n', '\n'],
  ['v', '\v'],
  ['f', '\f'],
  ['r', '\r'],
  ['"', '"'],
  ['\\', '\\'],
])
const LETTERS: ReadonlyMap<string, string> = new Map(Array.from(ESCAPES, ([letter, byte]) => [byte, letter]))

// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const NEEDS_QUOTES = /[\x00-\x1f\x7f"\\]/
// oxlint-disable-next-line no-control-regex
const ESCAPED = /[\x00-\x1f\x7f"\\]/g
// oxlint-disable-next-line no-control-regex
const ESCAPED_ASCII = /[\x00-\x1f\x7f-\xff"\\]/g

/** Whether a path in byte text cannot be printed as it is. */
export function needsQuotes(path: string): boolean {
  return NEEDS_QUOTES.test(path)
}

/** A path in byte text, in quotes. With `ascii`, bytes from 0x80 on become octal digits too. */
export function quotePath(path: string, ascii = false): string {
  const escaped = path.replace(ascii ? ESCAPED_ASCII : ESCAPED, (byte) => {
    return `\\${LETTERS.get(byte) ?? byte.charCodeAt(0).toString(8).padStart(3, '0')}`
  })
  return `"${escaped}"`
}

/** The byte text inside quotes; `undefined` if it is not well-formed. */
export function unquotePath(quoted: string): string | undefined {
  // oxlint-disable-next-line no-control-regex
  if (!/^"(?:[^\x00-\x1f\x7f"\\]|\\(?:[abtnvfr"\\]|[0-3][0-7]{2}))*"$/.test(quoted)) return undefined
  return quoted
    .slice(1, -1)
    .replace(
      /\\([0-7]{3}|.)/g,
      (_, code: string) => ESCAPES.get(code) ?? String.fromCharCode(Number.parseInt(code, 8)),
    )
}
