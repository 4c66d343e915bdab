import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  byteTextOf,
  bytesOfByteText,
  needsQuotes,
  quotePath,
  unquotePath,
} from '../../../src/lab/git/quoting.ts'
import { SEEDS } from './replay.ts'

describe('byte text', () => {
  test('has one character per byte, loses nothing, and sorts as the bytes do', () => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const text = byteTextOf(every)
    expect(text).toHaveLength(256)
    expect(bytesOfByteText(text)).toEqual(every)
    expect(Array.from(text).toSorted().join('')).toBe(text)
  })

  test('looks only at its own part of the memory', () => {
    expect(byteTextOf(Uint8Array.of(65, 66, 67, 68).subarray(1, 3))).toBe('BC')
  })
})

describe('quotes', () => {
  test.each([
    ['a"b', String.raw`"a\"b"`],
    ['a\\b', String.raw`"a\\b"`],
    ['\x07\b\t\n\v\f\r', String.raw`"\a\b\t\n\v\f\r"`],
    ['\x01\x1f\x7f', String.raw`"\001\037\177"`],
    ['gr\xfc\xdfe\t', '"gr\xfc\xdfe\\t"'],
  ])('%j is printed as %s', (path, quoted) => {
    expect(needsQuotes(path)).toBe(true)
    expect(quotePath(path)).toBe(quoted)
    expect(unquotePath(quoted)).toBe(path)
  })

  test.each(['plain', 'with space', "it's", 'gr\xfc\xdfe', '\x80\xff', '-n', '*?[]'])(
    '%j needs none',
    (path) => {
      expect(needsQuotes(path)).toBe(false)
    },
  )

  test.each(SEEDS)('what was quoted is unquoted to the same (seed %i)', (seed) => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.boolean(), (bytes, ascii) => {
        const path = byteTextOf(bytes)
        const quoted = quotePath(path, ascii)
        // oxlint-disable-next-line no-control-regex
        if (ascii) expect(quoted).toMatch(/^[\x20-\x7e]*$/)
        expect(unquotePath(quoted)).toBe(path)
      }),
      { seed, numRuns: 200 },
    )
  })

  test.each([
    '',
    '"',
    'a',
    'a"',
    '"a',
    String.raw`"a\"`,
    '"a"b',
    '"a"b"',
    String.raw`"\q"`,
    String.raw`"\1"`,
    String.raw`"\18"`,
    String.raw`"\400"`,
    String.raw`"\x41"`,
    '"a\tb"',
    '"a\nb"',
    '"a\x7fb"',
  ])('%j is refused', (quoted) => {
    expect(unquotePath(quoted)).toBeUndefined()
  })
})
