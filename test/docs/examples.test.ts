/**
 * Every example of the documents runs and prints what it says. Those marked `long` are left to the long tests.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ROOT } from '../house/source.ts'
import {
  type Outcome,
  ReaderProject,
  ReaderRepository,
  argumentsOf,
  commandsOf,
  filledIn,
  isShown,
  linesOf,
  printedBy,
} from './examples.ts'
import { blocksOf, documents } from './markdown.ts'

const blocks = documents().flatMap(blocksOf)
const short = blocks.filter(({ flags }) => !flags.includes('long'))
const programs = short.filter(({ language }) => language === 'ts')
const scripts = short.filter(({ language }) => language === 'script')
const commands = short.flatMap(commandsOf).filter(({ line }) => argumentsOf(line) !== undefined)

test('every block is of a kind that is known here', () => {
  const kinds = blocks.map(({ place, language, flags }) => [place, language, ...flags])
  const known = ['ts', 'sh', 'console', 'script', 'json', 'text']
  expect(
    kinds.filter(
      ([, language, ...flags]) =>
        !known.includes(language!) || (flags.join() !== '' && flags.join() !== 'long'),
    ),
  ).toEqual([])
})

describe('programs', () => {
  const project = new ReaderProject()
  afterAll(() => project.remove())
  let outcomes: readonly Outcome[] = []

  test('compile with strict types, as in a project that has the package', () => {
    expect(programs.length).toBeGreaterThan(0)
    outcomes = project.run(programs.map(({ lines }) => lines.join('\n')))
  })

  test.each(programs.map((block, i) => ({ block, i })))('$block.place', ({ block, i }) => {
    const outcome = outcomes[i]!
    expect(outcome.stderr).toBe('')
    expect(linesOf(outcome.stdout)).toEqual(printedBy(block))
    expect(outcome.status).toBe(0)
  })
})

describe('scripts', () => {
  test('there are some', () => {
    expect(scripts.length).toBeGreaterThan(0)
  })

  test.each(scripts)('$place', (block) => {
    expect(filledIn(block)).toEqual([...block.lines])
  })
})

describe('commands', () => {
  const repository = new ReaderRepository()
  afterAll(() => repository.remove())

  test('there are some', () => {
    expect(commands.length).toBeGreaterThan(5)
  })

  test.each(commands)('$place: $line', ({ line, output }) => {
    const outcome = repository.run(argumentsOf(line)!)
    expect(outcome).toMatchObject({ status: 0, stderr: '' })
    expect(outcome.stdout).not.toBe('')
    if (output !== undefined && output.length > 0) {
      expect(isShown(linesOf(outcome.stdout), output), outcome.stdout).toBe(true)
    }
  })

  test('all others are those of npm that .ci/run runs', () => {
    const script = readFileSync(join(ROOT, '.ci', 'run'), 'utf8').split('\n')
    const others = short.flatMap(commandsOf).filter(({ line }) => argumentsOf(line) === undefined)
    const isRun = (command: string): boolean =>
      script.some((line) => line === command || line.startsWith(`${command} -- `))
    expect(others.filter(({ line }) => !isRun(line))).toEqual([])
  })
})

test('a program for an older language, without the types of Node, is compiled with all the types that it loads', () => {
  const project = new ReaderProject()
  const program = "import { open } from 'palimpsest'\nopen({ memory: true }).close()"
  const older = { target: 'es2022', lib: undefined, skipLibCheck: false }
  expect(project.run([program], older)).toMatchObject([{ status: 0, stderr: '' }])
  project.remove()
})

describe('an example that is not true is found', () => {
  test('a program that prints something else', () => {
    const block = blocksOf({ path: 'a.md', text: '```ts\nconsole.log(1 + 1) // → 3\n```' })[0]!
    const project = new ReaderProject()
    const [outcome] = project.run([block.lines.join('\n')])
    project.remove()
    expect(linesOf(outcome!.stdout)).toEqual(['2'])
    expect(printedBy(block)).toEqual(['3'])
  })

  test('a program whose types are wrong', () => {
    const project = new ReaderProject()
    expect(() => project.run(["import { open } from 'palimpsest'\nopen(1)"])).toThrow(/not assignable/)
    project.remove()
  })

  test('a script that answers something else, or leaves an answer out', () => {
    const faults = (text: string): boolean => {
      const block = blocksOf({ path: 'a.md', text: `\`\`\`script\n${text}\n\`\`\`` })[0]!
      return filledIn(block).join('\n') !== block.lines.join('\n')
    }
    expect(faults('table t\nget a\n---\nno a')).toBe(false)
    expect(faults('table t\nget a\n---\na=1')).toBe(true)
    expect(faults('table t\nget a')).toBe(true)
  })

  test('a command that fails', () => {
    const repository = new ReaderRepository()
    expect(repository.run(argumentsOf('npx palimpsest get nowhere git.files a')!).status).toBe(1)
    repository.remove()
  })

  test.each([
    [['a', 'b'], ['a', 'b'], true],
    [['a', 'b'], ['a'], false],
    [['a', 'b', 'c'], ['a', '…', 'c'], true],
    [['a', 'b', 'c'], ['…'], true],
    [['a', 'b'], ['…', 'c'], false],
  ])('output %j shown as %j: %s', (output, shown, expected) => {
    expect(isShown(output, shown)).toBe(expected)
  })

  test('the words of a command are those of a shell, quotes included', () => {
    expect(argumentsOf('palimpsest get a.db t \'two words\' --as-of "minus 5m"')).toEqual([
      ...['get', 'a.db', 't', 'two words', '--as-of', 'minus 5m'],
    ])
    expect(argumentsOf('npm test')).toBeUndefined()
  })
})
