/**
 * The golden scripts: what each says that the engine answers is what it answers.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkScript, runScript } from '../../src/testing/script/script.ts'

const scripts = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.txt'))
  .toSorted()
  .map((name) => ({ name, path: join(import.meta.dirname, name) }))

test('there are scripts on visibility, garbage, restore and time', () => {
  const areas = new Set(scripts.map(({ name }) => name.split(/[/\\]/)[0]))
  expect([...areas]).toEqual(['garbage', 'history', 'restore', 'time', 'visibility'])
  expect(scripts.length).toBeGreaterThan(25)
})

describe.each(scripts)('$name', ({ path }) => {
  const text = readFileSync(path, 'utf8')

  test('begins with the rule that it shows', () => {
    expect(text).toMatch(/^# [A-Z].*\n(?:#.*\n)*(?<=\.\n)\n/)
  })

  test('answers what it says', async () => {
    const { text: filledIn, mismatches } = checkScript(text)
    const prose = mismatches.map(({ message }) => message).join('\n')
    await expect(filledIn, prose).toMatchFileSnapshot(path)
  })

  test('fails if any one of its answers is another', () => {
    const lines = runScript(text).split('\n')
    const answers = lines.flatMap((line, i) => (line.startsWith('#') || !isAnswer(lines, i) ? [] : [i]))
    expect(answers.length).toBeGreaterThan(0)
    // Each script is run again for each; a few suffice.
    for (const at of spread(answers, 5)) {
      const { mismatches } = checkScript(lines.with(at, `${lines[at]!} or not`).join('\n'))
      expect(mismatches.map(({ line }) => line)).toEqual([at + 1])
    }
  })
})

/** Whether a line stands below a line of `---`, in the same paragraph. */
function isAnswer(lines: readonly string[], at: number): boolean {
  for (let i = at; i >= 0 && lines[i] !== ''; i--) if (lines[i] === '---') return i < at
  return false
}

function spread<T>(items: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, Math.ceil(items.length / count))
  return items.filter((_, i) => i % step === 0)
}
