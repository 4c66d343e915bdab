import { describe, expect, test } from 'vitest'
import {
  bytesText,
  jsonText,
  lineText,
  manyText,
  messageText,
  screenText,
  shellText,
} from '../../src/cli/text.ts'

describe('JSON', () => {
  test('has bytes as base64, big integers and dates as text, and no numbers that JSON does not know', () => {
    const value = {
      bytes: new Uint8Array([255, 0, 1]),
      nested: [2n ** 63n, new Date(0), NaN, -Infinity],
      none: null,
      left: undefined,
    }
    expect(JSON.parse(jsonText(value))).toEqual({
      bytes: { base64: '/wAB' },
      nested: ['9223372036854775808', '1970-01-01T00:00:00.000Z', 'NaN', '-Infinity'],
      none: null,
    })
  })

  test('looks at the bytes of a view, not at the memory around it', () => {
    expect(jsonText(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).toBe('{"base64":"AgM="}')
  })

  test('escapes what a terminal obeys and still says the same', () => {
    const text = 'a\u001b[31m\u009b\u007f\u202e\u2028z'
    expect(jsonText(text)).toBe(String.raw`"a\u001b[31m\u009b\u007f\u202e\u2028z"`)
    expect(JSON.parse(jsonText(text))).toBe(text)
  })
})

describe('text', () => {
  test('on a line is quoted only where it has to be', () => {
    expect(lineText('src/größe 🦉.ts')).toBe('src/größe 🦉.ts')
    expect(lineText(String.raw`back\slash`)).toBe(String.raw`back\slash`)
    expect(lineText('tab\tline\n')).toBe(String.raw`"tab\tline\n"`)
    expect(lineText('"quoted"')).toBe(String.raw`"\"quoted\""`)
    expect(lineText('')).toBe('')
  })

  test('on a terminal keeps its lines and loses its control characters', () => {
    expect(screenText('a\tb\n\u001b]0;title\u0007')).toBe('a\tb\n' + String.raw`\u001b]0;title\u0007`)
  })

  test('of a message is one line', () => {
    expect(messageText('one\n(Did you mean two?)\n')).toBe('one (Did you mean two?)')
    expect(messageText('a\u001bb')).toBe(String.raw`a\u001bb`)
  })

  test('counts things and bytes', () => {
    expect([manyText(1, 'commit'), manyText(0, 'commit'), manyText(12_345, 'commit')]).toEqual([
      '1 commit',
      '0 commits',
      '12,345 commits',
    ])
    expect([0, 1023, 1024, 1_572_864, 2 ** 30].map(bytesText)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 MiB',
      '1.0 GiB',
    ])
  })

  test('for a shell is quoted where the shell would see more than a word', () => {
    expect(['a/b-c.d', 'a b', "it's", '$(x)', ''].map(shellText)).toEqual([
      'a/b-c.d',
      "'a b'",
      String.raw`'it'\''s'`,
      "'$(x)'",
      "''",
    ])
  })

  test('for a shell cannot draw on the terminal, and is the same word to the shell', () => {
    const words = ['x\u001b[31mred', "\n'\\\t", '\u202eturned']
    const quoted = words.map(shellText)
    expect(quoted).toEqual([
      String.raw`$'x\033[31mred'`,
      String.raw`$'\012\'\\\011'`,
      String.raw`$'\342\200\256turned'`,
    ])
  })
})
