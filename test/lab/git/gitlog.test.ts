import { randomUUID } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOfText, concatBytes, equalBytes, textOfBytes } from '../../../src/base/bytes.ts'
import { PalimpsestError } from '../../../src/base/errors.ts'
import { readChunks } from '../../../src/lab/git/chunks.ts'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { LINE_MAX, parseGitLog, readGitLogFile, writeGitLog } from '../../../src/lab/git/gitlog.ts'
import { type GitChange, type GitCommit, SECONDS_MAX } from '../../../src/lab/git/history.ts'
import { bytesOfByteText } from '../../../src/lab/git/quoting.ts'
import { SEEDS, trace } from './replay.ts'

const ID = 'a'.repeat(40)
const ID2 = 'b'.repeat(40)
const TREE = 'c'.repeat(40)
const OBJECT = 'd'.repeat(40)
const ZERO = '0'.repeat(40)
const COMMIT = `commit ${ID} ${TREE} 1600000000`
const ADD = `:000000 100644 ${ZERO} ${OBJECT} A\t`
const MODIFY = `:100644 100644 ${OBJECT} ${ID} M\t`
const DELETE = `:100644 000000 ${OBJECT} ${ZERO} D\t`

/** Parses byte text. */
function parse(text: string, chunk = text.length + 1): readonly GitCommit[] {
  const bytes = bytesOfByteText(text)
  return [...parseGitLog(pieces(bytes, () => chunk))]
}

/** The bytes in pieces of the given lengths, in memory that is used again. */
function* pieces(bytes: Uint8Array, length: () => number): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length;) {
    const piece = new Uint8Array(bytes.subarray(from, from + length()))
    from += piece.length
    yield piece
    piece.fill(0x3f)
  }
}

function lines(...texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('')
}

function set(path: string, mode: string, object: string): GitChange {
  return { kind: 'set', path: bytesOfText(path), mode, object }
}

function refusal(action: () => unknown): PalimpsestError {
  try {
    action()
  } catch (error) {
    if (error instanceof PalimpsestError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a log', () => {
  test('is read commit by commit', () => {
    const log = lines(
      COMMIT,
      `${ADD}a`,
      `:000000 120000 ${ZERO} ${OBJECT} A\tb/c d`,
      `commit ${ID2} ${TREE} 0`,
      `commit ${OBJECT} ${TREE} ${SECONDS_MAX}`,
      `:100644 160000 ${OBJECT} ${ID} T\ta`,
      `${DELETE}"\\"\\377\\n"`,
    )
    expect(parse(log)).toEqual([
      {
        id: ID,
        tree: TREE,
        seconds: 1_600_000_000,
        changes: [set('a', '100644', OBJECT), set('b/c d', '120000', OBJECT)],
      },
      { id: ID2, tree: TREE, seconds: 0, changes: [] },
      {
        id: OBJECT,
        tree: TREE,
        seconds: SECONDS_MAX,
        changes: [set('a', '160000', ID), { kind: 'delete', path: Uint8Array.of(0x22, 0xff, 0x0a) }],
      },
    ])
  })

  test('may have blank lines, a byte order mark, and line ends of other systems', () => {
    const plain = lines(COMMIT, `${ADD}a`, `commit ${ID2} ${TREE} 5`)
    expect(parse(lines('', COMMIT, '', `${ADD}a`, '', '', `commit ${ID2} ${TREE} 5`, ''))).toEqual(
      parse(plain),
    )
    expect(parse(`\xef\xbb\xbf${plain}`)).toEqual(parse(plain))
    expect(parse(plain.replaceAll('\n', '\r\n'))).toEqual(parse(plain))
  })

  test('has paths of any bytes, quoted or not', () => {
    const paths = parse(lines(COMMIT, `${ADD}gr\xc3\xbc\xff`, `${ADD}"gr\\303\\274\\376"`))[0]!.changes
    expect(paths.map(({ path }) => path)).toEqual([
      Uint8Array.of(0x67, 0x72, 0xc3, 0xbc, 0xff),
      Uint8Array.of(0x67, 0x72, 0xc3, 0xbc, 0xfe),
    ])
    expect(paths[0]!.path.constructor).toBe(Uint8Array)
  })

  test('gives a commit out as soon as the next one begins', () => {
    const log = parseGitLog([bytesOfText(lines(COMMIT, `commit ${ID2} ${TREE} 1`, 'what?'))])
    expect(log.next().value).toMatchObject({ id: ID })
    expect(() => log.next()).toThrow(/^line 3: /)
  })

  test.each([
    ['nothing', '', 1, /no commit/],
    ['blank lines only', lines('', ''), 1, /no commit/],
    ['something else', lines('Hello'), 1, /neither a commit nor a change: "Hello"/],
    ['a change before the first commit', lines('', `${ADD}a`), 2, /before the first commit/],
    ['a commit without time', lines(`commit ${ID} ${TREE}`), 1, /not "commit/],
    ['a time with a fraction', lines(`commit ${ID} ${TREE} 1.5`), 1, /not "commit/],
    ['a time before 1970', lines(`commit ${ID} ${TREE} -1`), 1, /not "commit/],
    [
      'a time that is too late',
      lines(`commit ${ID} ${TREE} ${SECONDS_MAX + 1}`),
      1,
      /after 4503599627, the last second/,
    ],
    ['a time of many digits', lines(`commit ${ID} ${TREE} ${'9'.repeat(17)}`), 1, /not "commit/],
    ['an abbreviated commit', lines(`commit ${ID.slice(30)} ${TREE} 1`), 1, /not "commit/],
    ['an id in capitals', lines(`commit ${ID.toUpperCase()} ${TREE} 1`), 1, /not "commit/],
    ['a commit of SHA-256', lines(`commit ${'a'.repeat(64)} ${'b'.repeat(64)} 1`), 1, /SHA-256/],
    [
      'a change of SHA-256',
      lines(COMMIT, `:000000 100644 ${'0'.repeat(64)} ${'b'.repeat(64)} A\ta`),
      2,
      /SHA-256/,
    ],
    ['a commit twice', lines(COMMIT, `${ADD}a`, COMMIT), 3, /second time/],
    ['a log behind itself', lines(COMMIT, `commit ${ID2} ${TREE} 1`, COMMIT), 3, /starts over/],
    ['abbreviated objects', lines(COMMIT, ':000000 100644 0000000 e69de29 A\ta'), 2, /--no-abbrev/],
    [
      'a merge of two parents',
      lines(COMMIT, `::100644 100644 100644 ${ID} ${ID2} ${OBJECT} MM\ta`),
      2,
      /--diff-merges/,
    ],
    ['a log with NUL', lines(`${COMMIT}\0${ADD}a\0`), 1, /without -z/],
    ['UTF-16', '\xff\xfec\0o\0m\0\n\0', 1, /UTF-16/],
    [
      'a rename',
      lines(COMMIT, `:100644 100644 ${ID} ${ID} R100\ta\tb`),
      2,
      /status R100: print .* --no-renames/,
    ],
    ['a copy', lines(COMMIT, `:100644 100644 ${ID} ${ID} C75\ta`), 2, /status C75: print .* --no-renames/],
    [
      'an unmerged path',
      lines(COMMIT, `:100644 100644 ${ID} ${ID} U\ta`),
      2,
      /status U: the path is unmerged/,
    ],
    ['an unknown status', lines(COMMIT, `:100644 100644 ${ID} ${ID} X\ta`), 2, /status X is not known/],
    ['a small status', lines(COMMIT, `:100644 100644 ${ID} ${ID} m\ta`), 2, /neither/],
    [
      'an addition to something',
      lines(COMMIT, `:100644 100644 ${ID} ${ID} A\ta`),
      2,
      /status A with the old mode 100644/,
    ],
    [
      'a modification of nothing',
      lines(COMMIT, `:000000 100644 ${ZERO} ${ID} M\ta`),
      2,
      /status M with the old mode 000000/,
    ],
    [
      'a change of type to nothing',
      lines(COMMIT, `:100644 000000 ${ID} ${ZERO} T\ta`),
      2,
      /status T with the new mode 000000/,
    ],
    [
      'a delete that leaves something',
      lines(COMMIT, `:100644 100644 ${ID} ${ID} D\ta`),
      2,
      /status D with the new mode 100644/,
    ],
    [
      'an object without mode',
      lines(COMMIT, `:100644 000000 ${ID} ${ID} D\ta`),
      2,
      /new mode 000000 does not go/,
    ],
    [
      'a mode without object',
      lines(COMMIT, `:100644 100644 ${ZERO} ${ID} M\ta`),
      2,
      /old mode 100644 does not go/,
    ],
    ['a mode of a directory', lines(COMMIT, `:000000 040000 ${ZERO} ${ID} A\ta`), 2, /040000 is no mode/],
    ['a mode of long ago', lines(COMMIT, `:100664 100644 ${ID} ${ID2} M\ta`), 2, /100664 is no mode/],
    [
      'a path changed twice',
      lines(COMMIT, `${ADD}a`, `${MODIFY}b`, `${MODIFY}"\\141"`),
      4,
      /"a" is changed twice/,
    ],
    ['no path', lines(COMMIT, ADD), 2, /no path/],
    ['no tab', lines(COMMIT, ADD.trimEnd()), 2, /neither/],
    ['an empty path', lines(COMMIT, `${ADD}""`), 2, /no path/],
    ['a path from the root', lines(COMMIT, `${ADD}/a`), 2, /no path/],
    ['a path to a directory', lines(COMMIT, `${ADD}a/`), 2, /no path/],
    ['a path with an empty part', lines(COMMIT, `${ADD}a//b`), 2, /no path/],
    ['a path with a NUL', lines(COMMIT, `${ADD}"a\\000b"`), 2, /no path/],
    ['a path without the quotes it needs', lines(COMMIT, `${ADD}a\\b`), 2, /not quoted/],
    ['a path with a bare control character', lines(COMMIT, `${ADD}a\x01b`), 2, /not quoted/],
    ['quotes that do not end', lines(COMMIT, `${ADD}"a`), 2, /not quoted/],
    ['a path behind its quotes', lines(COMMIT, `${ADD}"a"b`), 2, /not quoted/],
    ['an unknown escape', lines(COMMIT, `${ADD}"\\q"`), 2, /not quoted/],
    ['a cut line', `${lines(COMMIT, `${ADD}a`)}${MODIFY}b`, 3, /cut short/],
    ['a cut first line', 'commit', 1, /cut short/],
    ['a long line', lines(COMMIT, `${ADD}${'a'.repeat(LINE_MAX)}`), 2, /longer than 65536 bytes/],
    ['a long line without end', `${lines(COMMIT)}${'a'.repeat(LINE_MAX + 1)}`, 2, /longer than 65536 bytes/],
  ])('is refused for %s, naming the line', (_, log, line, message) => {
    for (const chunk of [log.length + 1, 7]) {
      const error = refusal(() => parse(log, chunk))
      expect(error.code).toBe('INVALID_TRACE')
      expect(error.message).toMatch(message)
      expect(error.message).toMatch(new RegExp(`^line ${line}: `))
      expect(error.details).toEqual({ line })
    }
  })

  test('may have lines as long as the limit', () => {
    const path = 'a'.repeat(LINE_MAX - ADD.length)
    expect(parse(lines(COMMIT, ADD + path))[0]!.changes[0]!.path).toEqual(bytesOfText(path))
  })

  test('shows no more than the beginning of a bad line', () => {
    expect(refusal(() => parse(lines('x'.repeat(10_000)))).message.length).toBeLessThan(200)
  })

  test('cut anywhere is refused, or lacks its last commits', () => {
    const log = lines(COMMIT, `${ADD}a`, `commit ${ID2} ${TREE} 5`, `${MODIFY}a`)
    const whole = parse(log)
    for (let length = 1; length < log.length; length++) {
      const cut = log.slice(0, length)
      if (!cut.endsWith('\n')) {
        expect(refusal(() => parse(cut)).details).toEqual({ line: cut.split('\n').length })
        continue
      }
      const commits = parse(cut)
      expect(whole.slice(0, commits.length - 1)).toEqual(commits.slice(0, -1))
    }
  })
})

describe('writing a log', () => {
  test.each(SEEDS)('and reading it, in chunks cut anywhere, gives the same history (seed %i)', (seed) => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 300 }),
        (history, files, most) => {
          const commits = [...generateHistory({ seed: history, commits: 20, files })]
          const bytes = bytesOfText([...writeGitLog(commits)].join(''))
          let turn = 0
          expect([...parseGitLog(pieces(bytes, () => 1 + ((turn += 7) % most)))]).toEqual(commits)
        },
      ),
      { seed, numRuns: 20 },
    )
  })

  for (const name of ['toydb', 'abstract-level']) {
    const { path, present } = trace(name)
    test.skipIf(!present)(`of ${name} gives the bytes that git printed`, () => {
      const printed = [...writeGitLog(readGitLogFile(path))].join('')
      expect(printed === textOfBytes(readFileSync(path))).toBe(true)
    })
  }

  test('says what was there before, and what kind of change it is', () => {
    const commit = (id: string, ...changes: GitCommit['changes']): GitCommit => ({
      id,
      tree: TREE,
      seconds: 7,
      changes,
    })
    const path = bytesOfText('a')
    const log = writeGitLog([
      commit(ID, { kind: 'set', path, mode: '100644', object: OBJECT }),
      commit(ID2, { kind: 'set', path, mode: '100755', object: ID }),
      commit(ID, { kind: 'set', path, mode: '120000', object: ID }),
      commit(
        ID2,
        { kind: 'delete', path },
        { kind: 'set', path: Uint8Array.of(0xff, 9), mode: '100644', object: ID },
      ),
    ])
    expect([...log].join('')).toBe(
      lines(
        `commit ${ID} ${TREE} 7`,
        `:000000 100644 ${ZERO} ${OBJECT} A\ta`,
        `commit ${ID2} ${TREE} 7`,
        `:100644 100755 ${OBJECT} ${ID} M\ta`,
        `commit ${ID} ${TREE} 7`,
        `:100755 120000 ${ID} ${ID} T\ta`,
        `commit ${ID2} ${TREE} 7`,
        `:120000 000000 ${ID} ${ZERO} D\ta`,
        `:000000 100644 ${ZERO} ${ID} A\t"\\377\\t"`,
      ),
    )
  })

  test('refuses a delete of what is not there', () => {
    const changes = [{ kind: 'delete', path: bytesOfText('a') }] as const
    const log = writeGitLog([{ id: ID, tree: TREE, seconds: 7, changes }])
    expect(refusal(() => log.next()).code).toBe('INVALID_ARGUMENT')
  })
})

describe('a log file', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'palimpsest-test-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test('of any size is read in small chunks, from the beginning or from where it stands', () => {
    const path = join(directory, randomUUID())
    const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
    writeFileSync(path, bytes)
    const file = openSync(path, 'r')
    try {
      for (const from of [0, undefined]) {
        const chunks = Array.from(readChunks(file, path, from), (chunk) => new Uint8Array(chunk))
        expect(equalBytes(concatBytes(chunks), bytes)).toBe(true)
        expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(65_536)
      }
      expect([...readChunks(file, path)]).toEqual([])
      expect([...readChunks(file, path, 199_999)]).toHaveLength(1)
    } finally {
      closeSync(file)
    }
  })

  test.each([
    ['missing', 'nowhere', 'open', 'ENOENT'],
    ['a directory', '', 'read', 'EISDIR'],
  ])('that is %s is IO_FAILED', (_, name, operation, errno) => {
    const path = join(directory, name)
    const error = refusal(() => readGitLogFile(path).next())
    expect(error.code).toBe('IO_FAILED')
    expect(error.details).toEqual({ operation, path, errno })
  })
})
