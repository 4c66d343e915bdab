/**
 * The language of scripts: what is filled in, what differs, what is refused.
 */
import { describe, expect, test } from 'vitest'
import { type PalimpsestError } from '../../src/base/errors.ts'
import { SCRIPT_COMMANDS } from '../../src/testing/script/commands.ts'
import { checkScript, runScript } from '../../src/testing/script/script.ts'

/** What the commands answer, after a table was made. */
function answers(...commands: readonly string[]): readonly string[] {
  const lines = runScript(['table t keep=forever', ...commands].join('\n'))
    .trimEnd()
    .split('\n')
  return lines.slice(lines.indexOf('---') + 1)
}

function refusal(text: string): { code: string; line: unknown; message: string } {
  try {
    runScript(text)
  } catch (error) {
    const { code, details, message } = error as PalimpsestError
    return { code, line: details['line'], message }
  }
  throw new Error('the script was not refused')
}

describe('filling in', () => {
  test('every block gets its answers; comments and blank lines stay', () => {
    const script = '# A title.\n\ntable t # the table\nat 3: put a=1\n\n\n# a remark\nget a\nget b\n'
    const filledIn =
      '# A title.\n\ntable t # the table\nat 3: put a=1\n---\nok\n\n\n# a remark\nget a\nget b\n---\na=1\nno b\n'
    expect(runScript(script)).toBe(filledIn)
  })

  test('filled in once more, nothing changes', () => {
    const once = runScript('table t\nput a=1\n\nget a\n\n# the end')
    expect(once).toBe('table t\nput a=1\n---\nok\n\nget a\n---\na=1\n\n# the end\n')
    expect(runScript(once)).toBe(once)
  })

  test('answers that were wrong, too many or too few are put right', () => {
    const right = 'table t\nput a=1\n---\nok\n\nget a\nget b\n---\na=1\nno b\n'
    expect(runScript(right.replace('a=1\nno b', 'a=2'))).toBe(right)
    expect(runScript(right.replace('no b', 'no b\nno c'))).toBe(right)
    expect(runScript(right.replace('---\na=1\nno b', '---'))).toBe(right)
  })

  test('lines may end as on Windows', () => {
    const { text, mismatches } = checkScript('table t\r\nput a=1\r\n---\r\nok\r\n\r\nget a\r\n---\r\na=1\r\n')
    expect(text).toBe('table t\nput a=1\n---\nok\n\nget a\n---\na=1\n')
    expect(mismatches).toEqual([])
  })

  test('a script without commands stays as it is', () => {
    expect(checkScript('')).toEqual({ text: '', paragraphs: [], blocks: 0, mismatches: [] })
    expect(checkScript('# nothing yet\n')).toMatchObject({
      text: '# nothing yet\n',
      blocks: 0,
      mismatches: [],
    })
  })

  test('the same script answers the same every time', () => {
    const script =
      'geometry tiny\ntable t keep=9\nput a=1\nadvance 5m\nput a=2\ncompact\nlevels\nstats\nversions'
    expect(runScript(script)).toBe(runScript(script))
  })
})

describe('paragraphs', () => {
  test('are the remarks and the commands with their answers, in the order of the script', () => {
    const { paragraphs } = checkScript(
      '# A title.\n\n# a remark\ntable t\n# another\nget a b # both\n---\nx\n',
    )
    expect(paragraphs).toEqual([
      ['# A title.'],
      [
        '# a remark',
        { line: 4, command: 'table t', answers: [] },
        '# another',
        { line: 6, command: 'get a b # both', answers: ['no a', 'no b'] },
      ],
    ])
  })
})

describe('comparing', () => {
  const script = (expected: string) => `table t\nat 3: put a=1\n---\nok\n\nget a\nget b\n---\n${expected}\n`

  test('what is as expected is no mismatch, and neither is a block that expects nothing yet', () => {
    expect(checkScript(script('a=1\nno b'))).toMatchObject({ blocks: 2, mismatches: [] })
    expect(checkScript('table t\nget a\n')).toMatchObject({ blocks: 1, mismatches: [] })
    expect(checkScript('table t\nget a\n---\n')).toMatchObject({ blocks: 1, mismatches: [] })
  })

  test('a mismatch names the line, the command and both answers, and says it as a sentence', () => {
    expect(checkScript(script('a=1\nb=2')).mismatches).toEqual([
      {
        line: 10,
        command: 'get b',
        commandLine: 7,
        expected: 'b=2',
        actual: 'no b',
        message: 'line 10: "get b" (line 7) answers "no b", but "b=2" is expected',
      },
    ])
  })

  test('an answer that is missing or one too many is a mismatch', () => {
    expect(checkScript(script('a=1\nno b\nno c')).mismatches).toMatchObject([
      { line: 11, message: 'line 11: nothing is answered after "get b" (line 7), but "no c" is expected' },
    ])
    expect(checkScript(script('a=1')).mismatches).toMatchObject([
      { line: 10, message: 'line 10: "get b" (line 7) answers "no b", but no further answer is expected' },
    ])
  })

  test('only the first line of a block counts, and every block', () => {
    const twice = script('x\ny') + '\nget a\n---\nz\n'
    expect(checkScript(twice).mismatches.map(({ line }) => line)).toEqual([9, 14])
  })
})

describe('what is malformed is refused with its line, before anything runs', () => {
  test.each([
    ['table t\n\nfrobnicate', 3, /there is no command "frobnicate"; there are: table,/],
    ['put', 1, /a key with a value is missing \(put KEY=VALUE…\)/],
    ['put a', 1, /"a" has no value/],
    ['delete a=1', 1, /a key to delete has no value/],
    ['get a=1', 1, /a key to read has no value/],
    ['put a="x', 1, /"a=\\"x" cannot be read/],
    [String.raw`put a="\x"`, 1, /is not a JSON string/],
    ['put a=1/b"', 1, /cannot be read/],
    ['batch a=1', 1, /a batch begins with "put" or "delete"/],
    ['at 5x: put a=1', 1, /"5x" is not a microsecond/],
    ['at 4503599627370496: put a=1', 1, /is not a microsecond/],
    ['at 5:', 1, /behind "at" stand a microsecond with a colon, and a command \(at MICROSECOND: COMMAND\)/],
    ['at 3 put x=1', 1, /stand a microsecond with a colon, and a command \(at MICROSECOND: COMMAND\)/],
    ['clock -5', 1, /is not a microsecond/],
    ['advance 5 m', 1, /"m" is not expected here/],
    ['advance 5q', 1, /not a duration/],
    ['scan limit=x', 1, /"x" is not a count/],
    ['scan t u', 1, /"u" is not expected here/],
    ['scan limit=1 limit=2', 1, /with a table or a value/],
    ['get a as of', 1, /a time follows behind "as of"/],
    ['keep t 5 6', 1, /a table and a duration are expected/],
    ['keep y/t=9 z/1h=3', 1, /a duration or "forever" is expected, not "t" with a table or a value/],
    ['keep 9=3', 1, /is expected, not "9" with a table or a value/],
    ['rename x/t=5 u=7', 1, /a table with its new name is expected, not "t" with a table or a value/],
    ['rename t', 1, /a table and its new name are expected/],
    ['fill keys=0 commits=1', 1, /there is at least one key to put/],
    ['hold', 1, /the name of the hold is missing/],
    ['geometry round', 1, /a geometry is one of default/],
    ['policy', 1, /the name of a policy is missing/],
    ['crash torn=x', 1, /"x" is not a count/],
    ['table t\n---\nok\n---\nok', 4, /a block has one line of "---"/],
    ['# a remark\n---\nok', 2, /there is no command above "---"/],
    ['"put" a=1', 1, /there is no command "put"/],
  ])('%j', (text, line, message) => {
    expect(refusal(text)).toMatchObject({ code: 'INVALID_TRACE', line })
    expect(refusal(text).message).toMatch(message)
  })
})

describe('notation', () => {
  test('keys and values that would be misread are JSON strings', () => {
    const put = String.raw`put "a key"="a value" "x/y"="" "p=q"="\"" plain=a=b/c`
    expect(answers(put, 'scan', 'get "a key" "x/y" "as" ')).toEqual([
      String.raw`"a key"@0.0003="a value" "p=q"@0.0003="\"" plain@0.0003="a=b/c" "x/y"@0.0003=""`,
      '"a key"="a value"',
      '"x/y"=""',
      'no as',
    ])
  })

  test('what names no table means the first one, under whatever name it has now', () => {
    const renamed = [
      'at 1: put a=1',
      'at 2: rename t u',
      'get a',
      'put a=2',
      'scan u',
      'at 3: table v',
      'get a',
    ]
    const answered = ['a=1', 'a@2.0001=2', 'a=2']
    expect(answers(...renamed)).toEqual(answered)
    const back = [
      'at 4: restore to=1',
      'get a',
      'tables',
      'at 5: undo',
      'tables',
      'get a',
      'at 6: drop u',
      'get a',
    ]
    expect(answers(...renamed, ...back)).toEqual([
      ...[...answered, 'restore-6: t rewound, v hidden', 'a=1', 't'],
      ...['restore-7: u rewound, v returns', 'u', 'v', 'a=2', expect.stringMatching(/^error UNKNOWN_TABLE/)],
    ])
    expect(answers('put a=1', 'truncate', 'get a', 'put a=2', 'get a', 'crash', 'get a')).toEqual([
      'no a',
      'a=2',
      expect.stringMatching(/commits from the log/),
      'a=2',
    ])
    expect(answers('drop t', 'table t', 'put a=1', 'get a')).toEqual(['a=1'])
  })

  test('a filled table has every key before one comes again, whatever their number', () => {
    for (const keys of [1, 2, 10, 89, 7919]) {
      const lines = answers(`fill keys=${keys} commits=${keys}`, 'scan')
      expect(lines.at(-1)!.split(' ')).toHaveLength(keys)
    }
    const [first] = answers('fill keys=7919 commits=3', 'scan')
    expect(first).toBe('k0000@1=0 k1782@2=1 k3564@3=2')
  })

  test('a restore of nothing says so, and run again answers the same', () => {
    const once = runScript('advance 5\nrestore to=0\nundo\n')
    expect(once).toMatch(/\n---\nrestore-\d+: nothing\nrestore-\d+: nothing\n$/)
    expect(checkScript(once)).toMatchObject({ text: once, mismatches: [] })
  })

  test('a word in quotes is no word of the language', () => {
    expect(answers('at 1: put reverse=1 as=2 put=3', 'batch delete "put" reverse', 'scan')).toEqual([
      'as@1=2',
    ])
    expect(answers('at 1: put a=1', 'get "as" of a as of 1')).toEqual(['no as', 'no of', 'a=1'])
  })

  test('a remark ends a line, a # within a word does not', () => {
    expect(answers('at 1: put a#b=1 # not=2', 'scan')).toEqual(['"a#b"@1=1'])
  })

  test('a time may be anything that is a time: a name, now, a while ago', () => {
    const read = ['get a as of h', 'get a as of now', 'get a as of -5us', 'get a as of "minus 4us"']
    expect(answers('at 1: put a=1', 'at 5: put a=5', 'hold h at=3', 'clock 9', ...read)).toEqual([
      'a=1',
      'a=5',
      'a=1',
      'a=5',
    ])
  })

  test('a refusal of the engine is an answer, and the script goes on', () => {
    expect(answers('keep t often', 'get a as of soon', 'get x/a', 'release h', 'get a')).toEqual([
      expect.stringMatching(/^error INVALID_TIME: not a duration: "often"/),
      expect.stringMatching(/^error INVALID_TIME: not a time: "soon"/),
      'error UNKNOWN_TABLE: no table x; there are: t',
      'error UNKNOWN_HOLD: no hold h',
      'no a',
    ])
    expect(runScript('get a')).toMatch(/^get a\n---\nerror UNKNOWN_TABLE: the script has no table yet/)
    expect(answers('stats x')).toEqual(['error UNKNOWN_TABLE: no table x; there are: t'])
    expect(answers('geometry tiny')).toEqual([
      'error INVALID_ARGUMENT: a geometry is chosen before anything else happens',
    ])
    expect(answers('clock 4503599627370495', 'advance 1')).toEqual([
      'error INVALID_TIME: not a microsecond that there is: 4503599627370496',
    ])
  })

  test('a refusal leaves what was typed as it is: what is no time, and names that end like a keyspace', () => {
    expect(answers('get a as of 2025-02-30T00:00:00.000000Z', 'release domain.x', 'get a')).toEqual([
      expect.stringMatching(/^error INVALID_TIME: .*2025-02-30T00:00:00\.000000Z/),
      'error UNKNOWN_HOLD: no hold domain.x',
      'no a',
    ])
    expect(
      answers('get a as of 1969-12-31T23:59:59.999999Z', 'get a as of 9999-12-31T00:00:00.000000Z'),
    ).toEqual([expect.stringMatching(/^error [A-Z_]+: /), expect.stringMatching(/^error [A-Z_]+: /)])
  })

  test('every command says how it is written and what it does', () => {
    const names = SCRIPT_COMMANDS.map(({ usage }) => usage.split(' ')[0]!)
    expect(new Set(names).size).toBe(names.length)
    for (const { usage, about } of SCRIPT_COMMANDS) {
      expect(usage).toMatch(/^[a-z]+( |$)/)
      expect(about).toMatch(/^[a-z].*[^.]$/)
    }
  })
})

describe('under the answers', () => {
  const head = 'geometry miniature\ntable t keep=forever\n'
  /** What the last command answers. */
  const last = (text: string): readonly string[] => {
    const [step] = checkScript(head + text)
      .paragraphs.flat()
      .slice(-1)
    return typeof step === 'object' ? step.answers : []
  }
  const four = Array.from({ length: 4 }, (_, i) => `at ${i + 1}: put k${i}=1 k${i + 1}=1\nflush t`).join('\n')

  test('a drawing has each file over its keys, and what is in memory', () => {
    expect(last('draw')).toEqual(['nothing'])
    expect(last('at 1: put a=1\ndraw')).toEqual(['            a', 'in memory   1 version'])
    const flushed =
      'at 1: put a=1 b=1\nflush t\nat 2: put c=1\nflush t\nat 3: put b=2\nflush t\nput d=4\ndraw'
    expect(last(flushed)).toEqual([
      '            a     b     c     d',
      'in memory   1 version',
      'level 0           ├─5─┤',
      'level 1     ├─4─────────────┤',
    ])
  })

  test('a drawing of many keys is no wider than one of few', () => {
    const puts = Array.from({ length: 100 }, (_, i) => `key-${i + 100}=1`).join(' ')
    const lines = last(`put ${puts}\ndraw`)
    expect(lines[0]).toMatch(/^ {12}key-100 … +key-199$/)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(84)
  })

  test('decisions are told once, each with its reason', () => {
    expect(last('decisions')).toEqual(['nothing'])
    const [first, ...more] = last(`${four}\ndecisions`)
    expect(first).toBe('level 0 has 2 of 2 tables: files 3 2 of level 0 → file 4 of level 1')
    expect(more.length).toBeGreaterThan(0)
    expect(last(`${four}\ndecisions\ndecisions`)).toEqual(['nothing'])
  })

  test('another policy merges otherwise and answers the same', () => {
    const tiered = last(`policy tiered\n${four}\ncost`)
    expect(tiered[0]).toMatch(/^written \d\.\d\d times .*; 8 versions for 5 keys that show$/)
    expect(last(`${four}\ncost`)).not.toEqual(tiered)
    expect(last(`policy tiered\n${four}\nscan`)).toEqual(last(`${four}\npolicy lazy-leveled\nscan`))
    expect(last('policy sideways')).toEqual([
      'error INVALID_ARGUMENT: policy is one of leveled, tiered, lazy-leveled, not sideways',
    ])
    expect(last('policy leveled hopeful')[0]).toMatch(
      /^error INVALID_ARGUMENT: picker is one of round-robin,/,
    )
  })

  test('where nothing was flushed, nothing is written for it', () => {
    expect(last('at 1: put a=1\ncost')).toEqual([
      'nothing was flushed; a read may search 0 runs; 1 version for 1 key that show',
    ])
  })

  test('a crash keeps what the operating system has, and cuts a torn record off', () => {
    const puts = 'at 1: put a=1\nflush t\nat 2: put a=2\nat 3: put a=3\n'
    expect(last(`${puts}crash`)).toEqual(['5 commits from the log, through 3'])
    expect(last(`${puts}crash torn=1`)).toEqual([
      expect.stringMatching(/^4 commits from the log, through 2; \d+ torn bytes cut off$/),
    ])
    expect(last(`${puts}crash torn=1\nget a`)).toEqual(['a=2'])
    expect(last(`${puts}crash\ncrash\ncheck`)).toEqual(['sound'])
  })
})
