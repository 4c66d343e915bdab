/**
 * The lists of the documents are those of the code, and every link leads somewhere.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/base/errors.ts'
import { SCRIPT_CHAPTERS } from '../../src/testing/script/commands.ts'
import { type SourceFile, ROOT, filesBelow } from '../house/source.ts'
import { anchorOf, blocksOf, documents, headingsOf, linksOf, proseOf } from './markdown.ts'

const document = (path: string): { path: string; text: string } => {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') }
}

test('docs/errors.md has a heading for each code, in the order of the code, and no other', () => {
  expect(headingsOf(document('docs/errors.md'), 2)).toEqual([...ERROR_CODES])
})

describe('the folders of src', () => {
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && filesBelow(`src/${entry.name}`, '.ts').length > 0)
    .map(({ name }) => name)
    .toSorted()

  test('each has its section in the tour', () => {
    expect(headingsOf(document('docs/tour.md'), 2).toSorted()).toEqual(folders)
  })

  test('each has its line in the index', () => {
    const lines = document('docs/README.md').text.matchAll(/^\| \[`(\w+)\/`\]/gm)
    expect(Array.from(lines, ([, folder]) => folder!).toSorted()).toEqual(folders)
  })
})

test('the list of decisions has every record', () => {
  const records = filesBelow('docs/decisions', '.md').map(({ path }) => path.replace('docs/decisions/', ''))
  const listed = linksOf(document('docs/decisions/README.md'))
  expect([...listed, 'README.md'].toSorted()).toEqual([...records].toSorted())
})

test('every decision says its status, its context, the choice and what was rejected', () => {
  const records = filesBelow('docs/decisions', '.md').filter(({ path }) => !path.endsWith('README.md'))
  for (const record of records) {
    expect(headingsOf(record, 2), record.path).toEqual(['Context', 'Choice', 'Rejected'])
    expect(record.text, record.path).toMatch(/^Status: (?:accepted|replaced by)/m)
  }
})

describe('the chapters of the tour', () => {
  const chapters = documents().filter(({ path }) => /^docs.tour.\w+\.md$/.test(path))

  test('are three', () => {
    expect(chapters.map(({ path }) => basename(path, '.md')).toSorted()).toEqual([
      'history',
      'storage',
      'time',
    ])
  })

  test.each(chapters)(
    '$path goes from a problem to an exercise, by a drawing and worked examples',
    (file) => {
      const headings = headingsOf(file, 2)
      expect(headings[0]).toBe('The problem')
      expect(headings.slice(-3)).toEqual(['The rules', 'In the code', 'Exercise'])
      const languages = blocksOf(file).map(({ language }) => language)
      expect(languages).toContain('text')
      expect(languages).toContain('script')
      expect(proseOf(file)).toMatch(/\*\*Law \d/)
    },
  )

  test('are linked from the tour', () => {
    const links = linksOf(document('docs/tour.md'))
    for (const { path } of chapters) expect(links).toContain(`tour/${basename(path)}`)
  })
})

test('docs/script.md lists every command of scripts, by chapters, as the code does', () => {
  const listed = SCRIPT_CHAPTERS.map(({ title, commands }) => {
    const lines = commands.map(({ usage, about }) => `- \`${usage}\`: ${about}\n`)
    return `### ${title}\n\n${lines.join('')}`
  })
  const { text } = document('docs/script.md')
  expect(text.slice(text.indexOf('### '))).toBe(listed.join('\n'))
})

describe('a run of vitest that a document names', () => {
  const runs = documents().flatMap(vitestRuns)

  test('meets a test', () => {
    expect(runs.length).toBeGreaterThan(3)
    expect(runs.filter(({ path, pattern }) => !meetsATest(path, pattern))).toEqual([])
  })

  test('is found wherever it stands, and is wrong without a file or a title', () => {
    const text = "`A=1 npx vitest run test/golden -u`\n\n```text\nnpx vitest run test/time -t 'rise'\n```\n"
    expect(vitestRuns({ path: 'a.md', text })).toEqual([
      { place: 'a.md', path: 'test/golden', pattern: '' },
      { place: 'a.md', path: 'test/time', pattern: 'rise' },
    ])
    expect(meetsATest('test/time', 'strictly rise')).toBe(true)
    expect(meetsATest('test/time', 'strictly increase')).toBe(false)
    expect(meetsATest('test/nowhere', '')).toBe(false)
  })
})

/** The lines of a document that run tests by vitest; those with `…` in them are forms of lines. */
function vitestRuns(file: SourceFile): readonly { place: string; path: string; pattern: string }[] {
  const lines = file.text.matchAll(/npx vitest run ([\w./-]+)([^`\n]*)/g)
  return Array.from(lines, ([, path = '', rest = '']) => {
    const pattern = /-t '([^']*)'/.exec(rest)?.[1] ?? ''
    return { place: file.path, path, pattern }
  }).filter(({ pattern, path }) => !`${path}${pattern}`.includes('…') && !path.endsWith('/'))
}

/** Whether a test file below a path has a test with these words in its title. */
function meetsATest(path: string, words: string): boolean {
  const files = filesBelow('test', '.test.ts').filter((file) => file.path.startsWith(path))
  const titles = files.flatMap(({ text }) =>
    Array.from(
      text.matchAll(/^\s*(?:test|describe)\b[^'"`]*\(\s*(['"`])(.*?)\1,/gm),
      ([, , title]) => title!,
    ),
  )
  return titles.some((title) => title.includes(words))
}

describe('links', () => {
  test.each(documents())('of $path', (file) => {
    expect(brokenLinks(file)).toEqual([])
  })

  test('that lead nowhere are found', () => {
    const text = '[a](tour.md) [b](tour.md#time) [c](nowhere.md) [d](tour.md#nowhere) [e](#here)\n\n# Here\n'
    expect(brokenLinks({ path: 'docs/a.md', text })).toEqual(['nowhere.md', 'tour.md#nowhere'])
  })
})

function brokenLinks(file: { path: string; text: string }): readonly string[] {
  return linksOf(file).filter((link) => {
    if (/^https?:/.test(link)) return false
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? file.path : join(dirname(file.path), path)
    if (path !== '' && !existsSync(join(ROOT, target))) return true
    if (anchor === undefined) return false
    const headings = headingsOf(path === '' ? file : document(target))
    return !headings.map(anchorOf).includes(anchor)
  })
}
