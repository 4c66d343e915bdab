/** Files in memory: what is theirs alone. The rules all file systems share are in `test/conformance/`. */
import { randomInt } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes, equalBytes } from '../../src/base/bytes.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'

test.each([11, randomInt(2 ** 31)])(
  'a file is its appends and cuts in order, at any length (seed %i)',
  (seed) => {
    const step = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 1000 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const files = new MemoryFiles()
        const file = files.create('a')
        let expected = new Uint8Array(0)
        for (const part of steps) {
          if (typeof part === 'number') {
            const length = Math.min(part, expected.length)
            files.truncate('a', length)
            expected = expected.subarray(0, length)
          } else {
            file.append(part)
            expected = concatBytes([expected, part]) as Uint8Array<ArrayBuffer>
          }
          expect(file.size).toBe(expected.length)
        }
        expect(equalBytes(files.open('a').read(0, expected.length), expected)).toBe(true)
      }),
      { seed, numRuns: 100 },
    )
  },
)

test('two file systems in memory share nothing', () => {
  const one = new MemoryFiles()
  const two = new MemoryFiles()
  one.create('a')
  const lock = one.lock('LOCK')
  expect(two.list('')).toEqual([])
  two.lock('LOCK').release()
  lock.release()
})

test('a refusal names the operation, the path and the errno', () => {
  const files = new MemoryFiles()
  try {
    files.rename('000001.log', 'x')
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(PalimpsestError)
    const { code, details, message } = error as PalimpsestError
    expect(code).toBe('IO_FAILED')
    expect(details).toEqual({ operation: 'rename', path: '000001.log', errno: 'ENOENT' })
    expect(message).toBe('rename failed on "000001.log": it does not exist (ENOENT)')
  }
})
