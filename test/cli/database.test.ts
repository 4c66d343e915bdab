import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type DatabaseStats, ReplayClock, open } from '../../src/index.ts'
import { type TabletCheck } from '../../src/store/store.ts'
import { cli, expectRefusal, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const at = { cwd }

beforeAll(() => {
  const clock = new ReplayClock({ micros: 1_767_225_600_000_000 })
  using db = open(join(cwd, 'db'), { clock, geometry: 'tiny' })
  db.createKeyspace('k')
  const table = db.createTable('k.t', { keep: '1s' })
  db.createTable('k.other')
  for (let i = 0; i < 2900; i++) {
    clock.advance(1_000_000)
    table.put(`key-${i % 100}`, { i, text: 'x'.repeat(40) })
  }
})

/** A copy of the database that a test may break. */
function copyOf(name: string): string {
  cpSync(join(cwd, 'db'), join(cwd, name), { recursive: true })
  return name
}

/** Every file of a directory with its contents. */
function contentsOf(name: string): ReadonlyMap<string, string> {
  const directory = join(cwd, name)
  return new Map(readdirSync(directory).map((file) => [file, readFileSync(join(directory, file), 'latin1')]))
}

/** Turns a byte in the middle of the largest file with this ending around. */
function spoil(directory: string, ending: string): void {
  const files = [...contentsOf(directory)].filter(([name]) => name.endsWith(ending))
  const [[name, contents] = ['', '']] = files.toSorted((a, b) => b[1].length - a[1].length)
  const bytes = Buffer.from(contents, 'latin1')
  bytes[Math.floor(bytes.length / 2)]! ^= 0xff
  writeFileSync(join(cwd, directory, name), bytes)
}

describe('stats', () => {
  test('as JSON are those of the library', async () => {
    const { exitCode, stdout } = await cli(['stats', 'db', '--json'], at)
    using db = open(join(cwd, 'db'), { readOnly: true })
    const { reads: _, cache: __, ...expected } = db.stats()
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout) as DatabaseStats).toMatchObject(expected)
  })

  test('as text have a line for each level of each table', async () => {
    const { stdout } = await cli(['stats', 'db'], at)
    using db = open(join(cwd, 'db'), { readOnly: true })
    for (const { name, levels } of db.stats().tables) {
      const about = stdout.slice(stdout.indexOf(`\n${name}: `))
      for (const { level, runs, tables } of levels) {
        expect(about).toMatch(new RegExp(`^ {2}${level} +${runs} +${tables} `, 'm'))
      }
    }
    expect(stdout).toMatch(/^k\.t: keeps 1s, from 2026-01-01T00:48:19/m)
    expect(stdout).toMatch(/^catalog: keeps 1d, from .* on, and as long as any table; /m)
    expect(stdout).not.toContain('\u001b')
    // Of the other table nothing was flushed.
    expect(stdout).toMatch(/^k\.t: .*; write amplification [1-9]\d*\.\d\d$/m)
    expect(stdout).toMatch(/^k\.other: .*; write amplification –$/m)
  })

  test('have bold headings on a terminal, unless NO_COLOR or a dumb terminal forbids', async () => {
    const on = (env: Readonly<Record<string, string>>) =>
      cli(['stats', 'db'], { ...at, stdoutIsTty: true, env })
    expect((await on({})).stdout).toContain('\u001b[1mk.t\u001b[22m')
    expect((await on({ NO_COLOR: '' })).stdout).toContain('\u001b[1m')
    expect((await on({ NO_COLOR: '1' })).stdout).not.toContain('\u001b')
    expect((await on({ TERM: 'dumb' })).stdout).not.toContain('\u001b')
  })

  test('change nothing', async () => {
    const before = contentsOf('db')
    await cli(['stats', 'db'], at)
    await cli(['check', 'db'], at)
    await cli(['get', 'db', 'k.t', 'key-1'], at)
    expect(contentsOf('db')).toEqual(before)
  })
})

describe('check', () => {
  test('of a sound database ends with 0 and says what it looked at', async () => {
    const { exitCode, stdout } = await cli(['check', 'db', '--json'], at)
    expect(exitCode).toBe(0)
    const found = JSON.parse(stdout) as { tablets: readonly { tables: number; versions: number }[] }
    expect(found).toMatchObject({ sound: true, faults: [] })
    expect(found.tablets.reduce((sum, { versions }) => sum + versions, 0)).toBeGreaterThan(100)
    expect((await cli(['check', 'db'], at)).stdout).toMatch(/^sound: checked \d+ table files, \d+ blocks?, /)
  })

  test('says what of the database is in its log, which opening it has read', async () => {
    open(join(cwd, 'logged')).close()
    expect((await cli(['check', 'logged'], at)).stdout).toMatch(/^sound: checked 0 table files, [^;]*\n$/)
    using db = open(join(cwd, 'logged'))
    db.createKeyspace('k')
    db.createTable('k.t').put('a', 1)
    db.close()
    expect((await cli(['check', 'logged'], at)).stdout).toBe(
      'sound: checked 0 table files, 0 blocks, 0 versions, 0 B; 3 commits of the log were read when it was opened\n',
    )
  })

  test('of a database with a damaged table file ends with 1 and names the fault', async () => {
    const name = copyOf('spoilt')
    spoil(name, '.table')
    const { exitCode, stdout, stderr } = await cli(['check', name], at)
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' })
    expect(stdout).toMatch(
      /table.*\n1 fault: checked (\d+) of \d+ table files, .*; files of a tree with a fault were not held against each other\n$/,
    )
    const inJson = await cli(['check', name, '--json'], at)
    expect(inJson.exitCode).toBe(1)
    const found = JSON.parse(inJson.stdout) as { tablets: readonly TabletCheck[] }
    expect(found).toMatchObject({ sound: false, faults: [expect.any(String)] })
    using sound = open(join(cwd, 'db'), { readOnly: true })
    for (const [i, { tables, unreadTables, versions }] of sound.check().entries()) {
      const { faults, ...checked } = found.tablets[i]!
      const isSpoilt = faults.length > 0
      expect(unreadTables).toBe(0)
      expect(checked).toMatchObject({ isOrderChecked: !isSpoilt, unreadTables: isSpoilt ? 1 : 0 })
      expect(checked.tables + checked.unreadTables).toBe(tables)
      expect(checked.versions < versions).toBe(isSpoilt)
    }
    await expectRefusal(['scan', name, 'k.t'], { code: 'TABLE_CORRUPT', exitCode: 1 }, at)
  })

  test('of a database with a damaged manifest ends with 1', async () => {
    const name = copyOf('torn')
    spoil(name, 'MANIFEST')
    await expectRefusal(['check', name], { code: 'MANIFEST_CORRUPT', exitCode: 1 }, at)
  })
})

describe('compact', () => {
  test('drops what no readable time sees, and says how much that was', async () => {
    const name = copyOf('compacted')
    const { exitCode, stdout, stderr } = await cli(['compact', name, '--json'], at)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const { before, after } = JSON.parse(stdout) as Record<
      'before' | 'after',
      { versions: number; bytes: number }
    >
    expect(after.versions).toBeLessThan(before.versions / 2)
    expect(after.bytes).toBeLessThan(before.bytes)
    expect((await cli(['check', name], at)).exitCode).toBe(0)
    expect((await cli(['get', name, 'k.t', 'key-99'], at)).stdout).toContain('"i":2899')
  })

  test('of a table that is not there changes nothing, nor by which policy files are merged', async () => {
    const name = copyOf('no-table')
    const before = contentsOf(name)
    const words = ['compact', name, '--table', 'k.nope', '--policy', 'tiered']
    await expectRefusal(words, { code: 'UNKNOWN_TABLE', exitCode: 1 }, at)
    expect(contentsOf(name)).toEqual(before)
    const { stdout } = await cli(['compact', name, '--table', 'k.t', '--policy', 'tiered', '--json'], at)
    expect(JSON.parse(stdout)).toMatchObject({ policy: { name: 'tiered' } })
  })

  test('can be told one table', async () => {
    const name = copyOf('one')
    const versionsOf = async () =>
      (JSON.parse((await cli(['stats', name, '--json'], at)).stdout) as DatabaseStats).versions
    const before = await versionsOf()
    const other = await cli(['compact', name, '--table', 'k.other'], { ...at, stderrIsTty: true })
    expect(other).toMatchObject({ exitCode: 0, stderr: `next: palimpsest stats ${name}\n` })
    expect(await versionsOf()).toBe(before)
    expect((await cli(['compact', name, '--table', 'k.t'], at)).stdout).toMatch(/^compacted k\.t: /)
    expect(await versionsOf()).toBeLessThan(before / 2)
  })

  test('goes on by another policy, which the database remembers', async () => {
    const name = copyOf('policy')
    const { stdout } = await cli(['compact', name, '--policy', 'tiered', '--json'], at)
    expect(JSON.parse(stdout)).toMatchObject({ policy: { name: 'tiered', picker: 'round-robin' } })
    await cli(['compact', name, '--picker', 'oldest'], at)
    using db = open(join(cwd, name), { readOnly: true })
    expect(db.policy).toEqual({ name: 'tiered', picker: 'oldest' })
    expect(db.check().flatMap(({ faults }) => faults)).toEqual([])
  })

  test.each([
    ['--policy', 'fifo'],
    ['--picker', 'newest'],
  ])('%s %s is wrong usage, and nothing is changed', async (...words) => {
    const name = copyOf(words.join(''))
    const before = contentsOf(name)
    const { exitCode, stdout, stderr } = await cli(['compact', name, ...words], at)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain('Allowed choices are')
    expect(contentsOf(name)).toEqual(before)
  })

  test('explains each decision with the scores of all candidates', async () => {
    const { stdout } = await cli(['compact', copyOf('explained'), '--table', 'k.t', '--explain'], at)
    expect(stdout).toMatch(/^k\.t \(leveled\): asked for: everything into one run$/m)
    expect(stdout).toMatch(
      /^ {2}merged into \d+ tables? of level \d \(tables? \d[\d, ]* of level \d.*\); .*, [\d,]+ versions? dropped$/m,
    )
    expect(stdout).toMatch(/^ {4}\d\.\d\d {2}level 1: level 1 has \d+ of 65536 bytes$/m)
    const json = await cli(['compact', copyOf('explained-json'), '--explain', '--json'], at)
    const { decisions } = JSON.parse(json.stdout) as { decisions: { table: string; scores: unknown[] }[] }
    expect(decisions.map(({ table }) => table).toSorted()).toEqual(['catalog', 'k.t'])
    for (const { scores } of decisions) expect(scores.length).toBeGreaterThan(5)
  })

  test('says of one version that it was one', async () => {
    const clock = new ReplayClock({ micros: 1_767_225_600_000_000 })
    using db = open(join(cwd, 'single'), { clock })
    db.createKeyspace('k')
    const table = db.createTable('k.t', { keep: '1s' })
    for (const key of ['a', 'a', 'b']) {
      clock.advance(5_000_000)
      table.put(key, 1)
    }
    db.close()
    const { stdout } = await cli(['compact', 'single', '--table', 'k.t', '--explain'], at)
    expect(stdout).toMatch(/, 1 version dropped$/m)
  })

  test('says in text that versions are those of the whole database, and bytes those of table files', async () => {
    open(join(cwd, 'young')).close()
    using db = open(join(cwd, 'young'))
    db.createKeyspace('k')
    db.createTable('k.t').put('a', 1)
    db.close()
    const { stdout } = await cli(['compact', 'young'], at)
    const counts = String.raw`\d+ → \d+ versions, 0 B → [\d.]+ (?:Ki)?B in table files`
    expect(stdout).toMatch(new RegExp(`^compacted all tables: in the database with its catalog ${counts}\n$`))
  })

  test('merges only what is due, if asked so: nothing in a tree at rest', async () => {
    const name = copyOf('due')
    expect((await cli(['compact', name, '--due'], at)).stdout).toMatch(
      /^flushed all tables, with \d+ compactions?: in the database /,
    )
    const { stdout } = await cli(['compact', name, '--due', '--explain'], at)
    expect(stdout).toMatch(/^nothing was due\n/)
  })

  test('of what was due counts compactions and moves as stats do', async () => {
    using db = open(join(cwd, 'moving'), { geometry: 'tiny', sizes: { level0Tables: 1000 } })
    db.createKeyspace('k')
    const table = db.createTable('k.t')
    for (let i = 0; i < 3000; i++) table.put(`key-${i}`, { i, text: 'x'.repeat(40) })
    db.close()
    const totals = async () => {
      const { tables, catalog } = JSON.parse(
        (await cli(['stats', 'moving', '--json'], at)).stdout,
      ) as DatabaseStats
      return [...tables, catalog].map((each) => each.totals)
    }
    expect((await totals()).map(({ compactions, moves }) => compactions + moves)).toEqual([0, 0])
    const { stdout } = await cli(['compact', 'moving', '--due'], at)
    const [merges, moves] = /, with (\d+) compactions?, (\d+) moves?: in/.exec(stdout)!.slice(1).map(Number)
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
    expect(moves).toBeGreaterThan(0)
    expect(merges).toBe(sum((await totals()).map(({ compactions }) => compactions)))
    expect(moves).toBe(sum((await totals()).map((each) => each.moves)))
  })

  test('of an unknown table changes nothing', async () => {
    const name = copyOf('unknown')
    const before = JSON.parse((await cli(['stats', name, '--json'], at)).stdout) as DatabaseStats
    await expectRefusal(['compact', name, '--table', 'k.nope'], { code: 'UNKNOWN_TABLE', exitCode: 1 }, at)
    const after = JSON.parse((await cli(['stats', name, '--json'], at)).stdout) as DatabaseStats
    expect(after.tables).toEqual(before.tables)
  })

  test('is refused while the database is open elsewhere', async () => {
    const name = copyOf('locked')
    const holder = open(join(cwd, name))
    await expectRefusal(['compact', name], { code: 'DATABASE_LOCKED', exitCode: 1 }, at)
    holder.close()
    expect((await cli(['compact', name], at)).exitCode).toBe(0)
  })
})
