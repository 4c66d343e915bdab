import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bytesOfText } from '../../../src/base/bytes.ts'
import { crc32 } from '../../../src/base/checksum.ts'
import { openDatabase } from '../../../src/database/database.ts'
import { type Database, PalimpsestError, ReplayClock, microsOf, open } from '../../../src/index.ts'
import { generateContents, generateHistory } from '../../../src/lab/git/generator.ts'
import { readGitLogFile } from '../../../src/lab/git/gitlog.ts'
import { type GitCommit } from '../../../src/lab/git/history.ts'
import { importHistory } from '../../../src/lab/git/import.ts'
import { keyOfPath, pathOfKey } from '../../../src/lab/git/tables.ts'
import { FaultFiles } from '../../../src/simulator/fault-files.ts'
import { MemoryFiles } from '../../../src/storage/memory-files.ts'
import { importedCommits, treeIdAfter, treeIdAsOf, verifyHistory } from '../../../src/lab/git/verify.ts'

const inMemory = (clock: ReplayClock): Database => open({ memory: true }, { clock, geometry: 'tiny' })
const DAY = 86_400_000_000

function imported(commits: Iterable<GitCommit>, keep?: string | number): Database {
  return importHistory(inMemory, commits, { keep }).database
}

describe('a git history in a database', () => {
  test('reads back every commit, before and after compaction', () => {
    const commits = [...generateHistory({ seed: 7, commits: 150, files: 60 })]
    const { database, report } = importHistory(inMemory, commits)
    expect(report).toMatchObject({ commits: 150, skipped: 0 })
    expect(verifyHistory(database)).toMatchObject({
      commits: 150,
      matched: 150,
      mismatched: 0,
      unreadable: 0,
    })
    database.compact()
    expect(verifyHistory(database).matched).toBe(150)
    expect(database.check().flatMap(({ faults }) => faults)).toEqual([])
  })

  test('keeps the order of the commits where their clocks go back', () => {
    const commits = [...generateHistory({ seed: 3, commits: 200, files: 30 })]
    expect(commits.some(({ seconds }, i) => i > 0 && seconds < commits[i - 1]!.seconds)).toBe(true)
    const found = importedCommits(imported(commits))
    expect(found.map(({ id }) => id)).toEqual(commits.map(({ id }) => id))
    expect(found.every(({ time }, i) => i === 0 || time > found[i - 1]!.time)).toBe(true)
  })

  test('counts the commits that got later times than git has, as those do that follow upon a killed import', () => {
    const commits = [...generateHistory({ seed: 3, commits: 200, files: 30 })]
    let appends = 0
    let killed: FaultFiles | undefined
    const files: FaultFiles = new FaultFiles({
      onOperation: ({ operation }) => {
        if (operation !== 'append' || ++appends !== 100) return
        killed = files.crashImage({ kind: 'drawn', model: 'process-kill', seed: 1 })
      },
    })
    const importOn = (disk: FaultFiles) =>
      importHistory((clock) => openDatabase({ files: disk, clock, checksum: crc32 }), commits)
    const laterIn = (database: Database, from: number) =>
      importedCommits(database)
        .slice(from)
        .filter(({ time, seconds }) => microsOf(time) > seconds * 1_000_000).length
    const whole = importOn(files)
    expect(whole.report.later).toBe(laterIn(whole.database, 0))
    const resumed = importOn(killed!)
    const { skipped, later } = resumed.report
    expect(skipped).toBeGreaterThan(0)
    expect(later).toBe(laterIn(resumed.database, skipped))
    expect(later).toBeGreaterThan(laterIn(whole.database, skipped))
    expect(verifyHistory(resumed.database).matched).toBe(200)
  })

  test('gains only the new commits when it is imported again', () => {
    const commits = [...generateHistory({ seed: 5, commits: 80, files: 20 })]
    const { database } = importHistory(inMemory, commits.slice(0, 50))
    const again = importHistory(() => database, commits)
    expect(again.report).toMatchObject({ commits: 30, skipped: 50 })
    expect(importHistory(() => database, commits).report).toMatchObject({ commits: 0, skipped: 80 })
    expect(verifyHistory(database)).toMatchObject({ commits: 80, matched: 80 })
  })

  test('stands at the time of its last commit, so that retention is judged by the time of the history', () => {
    const commits = [...generateHistory({ seed: 9, commits: 120, files: 30 })]
    const database = imported(commits, '3d')
    const found = importedCommits(database)
    const cutoff = found.at(-1)!.time - (BigInt(3 * DAY) << 12n)
    const readable = found.filter(({ time }) => time >= cutoff).length
    expect(readable).toBeGreaterThan(0)
    expect(readable).toBeLessThan(120)
    const expected = { commits: 120, matched: readable, mismatched: 0, unreadable: 120 - readable }
    expect(verifyHistory(database)).toMatchObject(expected)
    const before = database.stats().versions
    database.compact()
    expect(database.stats().versions).toBeLessThan(before)
    expect(verifyHistory(database)).toMatchObject(expected)
  })

  test('what its retention once refused stays refused when it is imported again to be kept for longer', () => {
    const commits = [...generateHistory({ seed: 9, commits: 120, files: 30 })]
    const files = new MemoryFiles()
    const openWith = (clock: ReplayClock) => openDatabase({ files, clock, checksum: crc32 })
    const importToKeep = (keep: string) => importHistory(openWith, commits, { keep }).database.close()
    // Whoever only reads cannot write down what he was refused.
    const readable = () => {
      const world = { files, clock: new ReplayClock({ micros: 0 }), checksum: crc32 }
      using reader = openDatabase(world, { readOnly: true })
      return verifyHistory(reader).matched
    }
    importToKeep('3d')
    const before = readable()
    expect(before).toBeLessThan(120)
    importToKeep('forever')
    expect(readable()).toBe(before)
  })

  test('stores contents where they are asked for', () => {
    const commits = [...generateHistory({ seed: 2, commits: 20, files: 10 })]
    const readBlobs = function* (objects: Iterable<string>) {
      for (const object of objects) {
        const bytes = generateContents(object)
        yield { object, size: bytes.length, bytes }
      }
    }
    const { database } = importHistory(inMemory, commits, { readBlobs })
    const [entry] = database.table<string, { object: string; text: string }>('git.files').scan({ limit: 1 })
    expect(bytesOfText(entry!.value.text)).toEqual(generateContents(entry!.value.object))
    expect(verifyHistory(database).matched).toBe(20)
  })

  test('a wrong version is found', () => {
    const commits = [...generateHistory({ seed: 4, commits: 10, files: 10 })]
    const database = imported(commits)
    const [entry] = database.table('git.files').scan({ limit: 1 })
    const { time } = database.table('git.files').delete(entry!.key)
    expect(treeIdAsOf(database, time)).not.toBe(commits.at(-1)!.tree)
    database.table('git.commits').put('f'.repeat(40), { tree: commits.at(-1)!.tree, seconds: 0 })
    expect(verifyHistory(database)).toMatchObject({
      matched: 10,
      mismatched: 1,
      firstMismatch: { commit: 'f'.repeat(40) },
    })
  })

  describe('that is not the same from some commit on', () => {
    const commits = [...generateHistory({ seed: 6, commits: 60, files: 20 })]
    /** Goes off the others at the twentieth commit. */
    const branch = [...commits.slice(0, 20), { ...commits[40]!, id: 'f'.repeat(40) }]

    test.each([
      ['a branch', branch],
      ['that of another project', [...generateHistory({ seed: 8, commits: 10, files: 20 })]],
      ['a part with a hole before it', commits.slice(45)],
    ])('is refused, and nothing is changed: %s', (_what, other) => {
      const files = new MemoryFiles()
      const openWith = (clock: ReplayClock) => openDatabase({ files, clock, checksum: crc32 })
      importHistory(openWith, commits.slice(0, 30), { keep: '5d' }).database.close()
      const state = () => {
        using database = openWith(new ReplayClock({ micros: 0 }))
        const { versions, keep } = database.stats().tables.find(({ name }) => name === 'git.files')!
        return { versions, keep, newest: database.newest, commits: importedCommits(database) }
      }
      const before = state()
      const fresh = other.find(({ id }) => !commits.slice(0, 30).some((commit) => commit.id === id))!
      expect(() => importHistory(openWith, other, { keep: '1d' })).toThrow(
        expect.objectContaining({
          code: 'INVALID_ARGUMENT',
          details: { commit: fresh.id, newest: commits[29]!.id },
        }),
      )
      expect(state()).toEqual(before)
    })

    test('goes on once the database was put back to where both are the same', () => {
      const { database } = importHistory(inMemory, commits.slice(0, 30))
      const [twentieth] = importedCommits(database).slice(19)
      database.restoreSync('git', { to: twentieth!.time })
      const tree = treeIdAfter(database, commits[40]!.changes)
      const { report } = importHistory(() => database, [...commits.slice(0, 20), { ...branch[20]!, tree }])
      expect(report).toMatchObject({ commits: 1, skipped: 20 })
      expect(verifyHistory(database)).toMatchObject({ commits: 21, matched: 21 })
    })

    test.each(['files', 'commits'])(
      'and where the %s alone were put back: refused until that is undone',
      (table) => {
        const { openAgain, undo } = halfPutBack(table)
        const again = () => importHistory(openAgain, commits)
        expect(again).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
        undo()
        using whole = again().database
        expect(verifyHistory(whole)).toMatchObject({ commits: 60, matched: 60 })
      },
    )

    /** A database of thirty commits, one of whose tables shows what it showed twenty commits ago. */
    function halfPutBack(table: string) {
      const files = new MemoryFiles()
      const openAgain = (clock: ReplayClock) => openDatabase({ files, clock, checksum: crc32 })
      const { database } = importHistory(openAgain, commits.slice(0, 30))
      const [tenth] = importedCommits(database).slice(9)
      const { id } = database.restoreSync('git', { to: tenth!.time, table })
      database.close()
      const undo = () => {
        using again = openAgain(new ReplayClock({ micros: 0 }))
        again.undoSync(id)
      }
      return { openAgain, undo }
    }

    test('may begin with what is new, if that goes on where the database stands', () => {
      const { database } = importHistory(inMemory, commits.slice(0, 30))
      expect(importHistory(() => database, commits.slice(30)).report).toMatchObject({ commits: 30 })
      expect(verifyHistory(database)).toMatchObject({ commits: 60, matched: 60 })
    })
  })

  test('an empty history and a database that keeps its own time are refused', () => {
    expect(() => imported([])).toThrow(PalimpsestError)
    const own = open({ memory: true })
    const commits = generateHistory({ seed: 1, commits: 2 })
    expect(() => importHistory(() => own, commits)).toThrow(/database of its own/)
  })
})

describe('keys of paths', () => {
  test.each([
    ['README.md', 'README.md'],
    ['dir/naïve café', 'dir/naïve café'],
    ['"quoted', '"\\"quoted"'],
  ])('%s has the key %s', (path, key) => {
    expect(keyOfPath(bytesOfText(path))).toBe(key)
    expect(pathOfKey(key)).toEqual(bytesOfText(path))
  })

  test('a path that is not UTF-8 has a quoted key', () => {
    const path = Uint8Array.of(0x63, 0x61, 0x66, 0xe9)
    expect(keyOfPath(path)).toBe('"caf\\351"')
    expect(pathOfKey(keyOfPath(path))).toEqual(path)
  })
})

const TRACES = new URL('../../../../shared/traces/', import.meta.url)

describe.each(['abstract-level.gitlog', 'toydb.gitlog'])('the trace %s', (name) => {
  const path = new URL(name, TRACES).pathname
  test.skipIf(!existsSync(path))('is proved by the tree ids that git recorded', () => {
    const database = imported(readGitLogFile(path), '365d')
    const found = importedCommits(database)
    const cutoff = found.at(-1)!.time - (BigInt(365 * DAY) << 12n)
    const readable = found.filter(({ time }) => time >= cutoff).length
    expect(verifyHistory(database)).toMatchObject({
      matched: readable,
      mismatched: 0,
      unreadable: found.length - readable,
    })
    database.setRetention('forever', { table: 'git.files' })
    // What is lost stays lost.
    expect(verifyHistory(database)).toMatchObject({
      matched: readable,
      mismatched: 0,
      unreadable: found.length - readable,
    })
  })
})
