/** Every mutant can still be planted. Whether the tests notice it, `npm run -s mutants` says. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../house/source.ts'
import { mutated, parseMutant, readMutants } from './mutant.ts'

const mutants = readMutants(ROOT)

test('there are mutants', () => {
  expect(mutants.length).toBeGreaterThan(50)
})

test.each(mutants)('$id changes each file that it names, and a test is there to notice', (mutant) => {
  expect(existsSync(join(ROOT, mutant.killer))).toBe(true)
  for (const path of new Set(mutant.hunks.map((hunk) => hunk.path))) {
    const text = readFileSync(join(ROOT, path), 'utf8')
    expect(mutated(mutant, path, text)).not.toBe(text)
  }
})

describe('a patch', () => {
  const head = 'One is two.\n\nSeen: nowhere\nKilled by: test/a.test.ts\n\n'
  const diff = '--- a/a.ts\n+++ b/a.ts\n@@ -1,2 +1,2 @@\n a\n-one\n+two\n'
  const mutant = parseMutant('X1', head + diff)

  test('is found by its lines, wherever they stand', () => {
    expect(mutant).toMatchObject({ title: 'One is two.', seen: 'nowhere', killer: 'test/a.test.ts' })
    expect(mutated(mutant, 'a.ts', 'a\none\n')).toBe('a\ntwo\n')
    expect(mutated(mutant, 'a.ts', 'z\na\none\nb\n')).toBe('z\na\ntwo\nb\n')
    expect(mutated(mutant, 'b.ts', 'a\none\n')).toBe('a\none\n')
  })

  test.each(['a\nthree\n', 'xa\none\n', 'a\none\na\none\n'])('is refused by %j', (text) => {
    expect(() => mutated(mutant, 'a.ts', text)).toThrow('X1: its lines stand')
  })

  test.each([diff, head, head + diff.replace('+++ b/a.ts\n', '')])(
    'of another form is refused: %j',
    (text) => {
      expect(() => parseMutant('X1', text)).toThrow()
    },
  )
})
