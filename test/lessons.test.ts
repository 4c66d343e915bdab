/**
 * The lessons: each asks a question and answers it, and all that it shows is what the engine answers.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkScript } from '../src/testing/script/script.ts'
import { ROOT } from './house/source.ts'

const folder = join(ROOT, 'lessons')
const lessons = readdirSync(folder)
  .toSorted()
  .map((name) => ({ name, path: join(folder, name), text: readFileSync(join(folder, name), 'utf8') }))

test('the lessons are numbered from 1 to 8', () => {
  expect(lessons.map(({ name }) => /^(\d)-[a-z-]+\.txt$/.exec(name)?.[1])).toEqual(Array.from('12345678'))
})

describe.each(lessons)('$name', ({ name, path, text }) => {
  test('has a title, then a question, and ends with the answer and an exercise', () => {
    const paragraphs = text.trimEnd().split('\n\n')
    const [title, question] = paragraphs
    const [answer, exercise] = paragraphs.slice(-2)
    const slug = title!.replace(/^# Lesson \d\. /, '').toLowerCase()
    expect(title).toMatch(new RegExp(`^# Lesson ${name[0]!}\\. [A-Z].*[a-z]$`))
    expect(`${name[0]!}-${slug.replaceAll(' ', '-')}.txt`).toBe(name)
    expect(question).toMatch(/^# Question: [^]*\?$/)
    expect(answer).toMatch(/^# Answer: [^]*\.$/)
    expect(exercise).toMatch(/^# Exercise: [^]*[.?]$/)
  })

  test('answers what it says', async () => {
    const { text: filledIn, mismatches } = checkScript(text)
    const prose = mismatches.map(({ message }) => message).join('\n')
    await expect(filledIn, prose).toMatchFileSnapshot(path)
  })
})

test('restore and undo are shown by the worked example of the design', () => {
  const { paragraphs } = checkScript(lessons[6]!.text)
  const steps = paragraphs.flat().filter((item) => typeof item !== 'string')
  const first = (command: string): readonly string[] | undefined =>
    steps.find((step) => step.command === command)?.answers
  expect(steps.slice(1, 6).map(({ command }) => command)).toEqual([
    ...['at 1: put a=1', 'at 3: put a=3', 'at 5: put a=5', 'clock 6', 'restore to=2'],
  ])
  expect(first('scan as of 5')).toEqual(['a@5=5'])
  expect(first('scan as of 6')).toEqual(['a@1=1'])
  expect(first('scan as of 7')).toEqual(['a@1=1 b@7=7'])
  expect(first('scan as of 8')).toEqual(['a@5=5'])
  const [undo, ...after] = steps.slice(steps.findIndex(({ command }) => command === 'undo'))
  expect(undo?.command).toBe('undo')
  expect(after.find(({ command }) => command === 'scan as of 7')?.answers).toEqual(['a@1=1 b@7=7'])
})
