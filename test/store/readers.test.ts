/**
 * Readers beside a writer: whatever it does between any two looks of theirs, and afterwards, they show what was there
 * when they were opened.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { ioFailed } from '../../src/storage/file-rules.ts'
import { type FileSystem, type RandomFile } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'
import { copyFiles, refusal } from '../storage/samples.ts'
import { HOUR, START, StandingClock } from './scratch.ts'

/** A directory, who writes to it, and what was committed. */
class Beside {
  readonly files: MemoryFiles
  readonly commits: { readonly time: HybridTime; readonly key: string; readonly value: string }[]
  readonly #clock = new StandingClock(START + 60_000_000)
  #db: Database | undefined

  constructor(files = new MemoryFiles(), commits: Beside['commits'] = []) {
    this.files = files
    this.commits = [...commits]
  }

  get db(): Database {
    this.#db ??= this.#open({ geometry: 'miniature' })
    return this.#db
  }

  begin(): this {
    this.db.createKeyspace('k')
    this.db.createTable('k.t', { keep: 'forever', values: 'text' })
    return this
  }

  put(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#clock.advance(1000)
      const key = `key ${this.commits.length % 7}`
      const value = `${this.commits.length} ${'x'.repeat(this.commits.length % 30)}`
      const { time } = this.db.table('k.t').put(key, value)
      this.commits.push({ time, key, value })
    }
  }

  close(): void {
    this.#db?.close()
    this.#db = undefined
  }

  /** Opens the directory for reading, through other files if they are given. */
  read(files: FileSystem = this.files, limits = { cacheBytes: 0, openTables: 1 }): Database {
    const clock = new StandingClock(START + HOUR)
    return openDatabase({ files, clock, checksum: crc32 }, { readOnly: true, ...limits })
  }

  /** Whether a reader shows every commit through its newest, `atLeast` the first so many, and is whole. */
  expectShown(reader: Database, atLeast: number): void {
    const shown = this.commits.filter(({ time }) => time <= reader.newest)
    expect(shown.length).toBeGreaterThanOrEqual(atLeast)
    const table = reader.table('k.t')
    const state = new Map<string, string>()
    for (const { time, key, value } of shown) {
      state.set(key, value)
      const expected = [...state].map((entry) => entry.join(': ')).toSorted()
      const found = Array.from(table.scan({ asOf: time }), (row) => `${row.key}: ${String(row.value)}`)
      expect(found).toEqual(expected)
    }
    for (const key of state.keys()) {
      const expected = shown.filter((commit) => commit.key === key).map(({ value }) => value)
      expect(Array.from(table.history(key), (change) => change.value)).toEqual(expected)
    }
    expect(reader.check().flatMap(({ faults }) => faults)).toEqual([])
    expect(reader.stats().logBytes).toBeGreaterThan(0)
  }

  #open(options: { geometry: 'miniature' }): Database {
    return openDatabase({ files: this.files, clock: this.#clock, checksum: crc32 }, options)
  }
}

/** What a writer may do between two looks of a reader. */
const TURNS: Readonly<Record<string, (beside: Beside) => void>> = {
  'commits and flushes': (beside) => {
    beside.put(12)
  },
  'merges everything': (beside) => {
    beside.put(1)
    beside.db.compact()
  },
  'closes and opens': (beside) => {
    beside.put(3)
    beside.close()
    beside.put(3)
  },
  'merges, closes, opens and merges': (beside) => {
    beside.db.compact()
    beside.close()
    beside.put(20)
    beside.db.compact()
  },
}

/** Files of a reader: before each of its calls, counted from 0 on, somebody else may have a turn. */
class ReaderFiles {
  calls = 0
  readonly files: FileSystem

  constructor(files: FileSystem, turn: (call: number) => void) {
    const before = () => {
      turn(this.calls++)
    }
    const open = (path: string): RandomFile => {
      const file = files.open(path)
      return {
        size: file.size,
        read: (offset, length) => {
          before()
          return file.read(offset, length)
        },
        close: () => {
          file.close()
        },
      }
    }
    this.files = looksAt(files, open, before)
  }
}

/** What a reader needs of files. It has nothing to write with. */
function looksAt(
  files: FileSystem,
  open: (path: string) => RandomFile,
  before: () => void = () => undefined,
): FileSystem {
  const looks: Pick<FileSystem, 'open' | 'size' | 'list'> = {
    open: (path) => {
      before()
      return open(path)
    },
    size: (path) => {
      before()
      return files.size(path)
    },
    list: (directory) => {
      before()
      return files.list(directory)
    },
  }
  return looks as FileSystem
}

/** A directory with a history over a log and several tables, closed in good order. */
const closed = new Beside().begin()
closed.put(40)
closed.close()

/** The same as a crash leaves it: nothing was closed, and the last record of the log and of the manifest is torn. */
const crashed = (() => {
  const beside = new Beside(copyFiles(closed.files), closed.commits)
  beside.put(30)
  const files = copyFiles(beside.files)
  const logs = files.list('')!.filter((name) => name.endsWith('.log'))
  for (const path of ['MANIFEST', logs.toSorted().at(-1)!]) {
    const file = files.append(path)
    file.append(Uint8Array.of(200, 0, 0, 0, 1, 2, 3))
    file.close()
  }
  return new Beside(files, beside.commits)
})()

const copyOf = (beside: Beside) => new Beside(copyFiles(beside.files), beside.commits)
const DIRECTORIES = { closed, crashed }

describe.each(Object.entries(DIRECTORIES))('a reader of a directory that was %s', (_, directory) => {
  test.each(Object.entries(TURNS))(
    'opens and reads while a writer %s between two of its calls',
    (_turn, take) => {
      // Before each call of the opening, and before some of those that follow.
      for (let at = 0, step = 1, isOver = false; !isOver; at += step) {
        const beside = copyOf(directory)
        const looks = new ReaderFiles(beside.files, (call) => {
          if (call === at) take(beside)
        })
        const before = beside.commits.length
        const reader = beside.read(looks.files)
        if (looks.calls <= at) step *= 2
        beside.expectShown(reader, before)
        isOver = looks.calls <= at
      }
    },
  )
})

test('a reader opens and reads whatever turns a writer takes', () => {
  const turn = fc.record({ at: fc.nat(200), take: fc.constantFrom(...Object.values(TURNS)) })
  holds(
    fc.property(
      fc.constantFrom(...Object.values(DIRECTORIES)),
      fc.array(turn, { maxLength: 8 }),
      (directory, turns) => {
        const beside = copyOf(directory)
        const before = beside.commits.length
        const looks = new ReaderFiles(beside.files, (call) => {
          for (const { at, take } of turns) if (at === call) take(beside)
        })
        beside.expectShown(beside.read(looks.files), before)
      },
    ),
    20,
  )
})

/** A directory in which what was removed stays for a while, as a writer with a thread removes one file with each commit. */
class LateFiles extends MemoryFiles {
  override remove(): void {
    // Later.
  }
}

test('a reader never shows what a restore hid, whenever a writer drops it and forgets the restore', () => {
  for (let at = 0, isOver = false; !isOver; at++) {
    const files = new LateFiles()
    const clock = new StandingClock(START)
    const db = openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature' })
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t', { keep: 20, values: 'text' })
    const { time } = table.put('a', 'good')
    clock.advance(5)
    for (const key of ['a', 'b']) table.put(key, 'hidden')
    clock.advance(5)
    db.restoreSync('k', { to: time })
    table.put('c', 'later')
    clock.advance(1000)
    db.flush()
    const looks = new ReaderFiles(files, (call) => {
      if (call === at) db.compact()
    })
    const world = { files: looks.files, clock: new StandingClock(START + HOUR), checksum: crc32 }
    const reader = openDatabase(world, { readOnly: true })
    isOver = looks.calls <= at
    const shown = Array.from(reader.table('k.t').scan(), ({ key, value }) => `${key}: ${String(value)}`)
    expect(shown).toEqual(['a: good', 'c: later'])
  }
})

describe('a reader', () => {
  test('goes on reading what a writer has merged since, until it is closed', () => {
    const beside = copyOf(closed)
    const reader = beside.read()
    const count = beside.commits.length
    beside.db.compact()
    beside.put(40)
    beside.db.compact()
    beside.expectShown(reader, count)
    reader.close()
    expect(refusal(() => reader.table('k.t').get('key 1'))?.code).toBe('CLOSED')
  })

  test.each([4, 5, 6])(
    'that may open %i files keeps some, and of the others says that they are gone',
    (limit) => {
      const beside = copyOf(closed)
      const { files, opened } = withFilesAtMost(beside.files, limit)
      const reader = beside.read(files)
      expect(opened()).toBeGreaterThan(0)
      expect(opened()).toBeLessThanOrEqual(limit / 2)
      beside.expectShown(reader, beside.commits.length)
      beside.db.compact()
      expect(refusal(() => beside.expectShown(reader, 0))?.code).toBe('TABLE_CORRUPT')
      reader.close()
      expect(opened()).toBe(0)
    },
  )

  test('that may open few files opens, whatever a writer takes away meanwhile', () => {
    for (let at = 0, isOver = false; !isOver; at++) {
      const beside = copyOf(closed)
      const looks = new ReaderFiles(withFilesAtMost(beside.files, 4).files, (call) => {
        if (call === at) TURNS['merges everything']!(beside)
      })
      beside.read(looks.files).close()
      isOver = looks.calls <= at
    }
  })

  test('that keeps many files leaves some to others', () => {
    const beside = copyOf(closed)
    beside.put(1000)
    beside.close()
    const { files, opened } = withFilesAtMost(beside.files, Infinity)
    const whole = beside.read(files)
    const count = opened()
    expect(count).toBeGreaterThan(64)
    whole.close()
    const limited = withFilesAtMost(beside.files, count + 10)
    beside.expectShown(beside.read(limited.files), beside.commits.length)
    expect(limited.opened()).toBeLessThanOrEqual(count / 2 + 1)
  })

  test('reads what is left where a table was lost', () => {
    const beside = copyOf(closed)
    const tables = beside.files.list('')!.filter((name) => name.endsWith('.table'))
    const lost = tables.toSorted().at(-1)!
    beside.files.remove(lost)
    const reader = beside.read()
    expect(
      reader
        .check()
        .flatMap(({ faults }) => faults)
        .join(),
    ).toContain(`missing: file=${lost}`)
  })

  test('says what is wrong where a segment was lost, and keeps no file open', () => {
    const beside = copyOf(closed)
    const log = beside.files.list('')!.find((name) => name.endsWith('.log'))!
    beside.files.remove(log)
    const { files, opened } = withFilesAtMost(beside.files, Infinity)
    expect(refusal(() => beside.read(files))?.code).toBe('LOG_CORRUPT')
    expect(opened()).toBe(0)
  })

  test('beside a writer that is so busy that it never finds all fails, and keeps no file open', () => {
    const busy = copyOf(closed)
    const { files, opened } = withFilesAtMost(busy.files, Infinity)
    const looks = new ReaderFiles(files, (call) => {
      if (call % 5 === 0) TURNS['merges everything']!(busy)
    })
    const refused = refusal(() => busy.read(looks.files))
    expect(refused?.code).toBe('DATABASE_LOCKED')
    expect(opened()).toBe(0)
  })

  // A segment that is repeated takes the name of the old one. Whether a name shows that was bound while a directory was
  // read, no system says.
  test('reads the names again where they lack a segment that is there, the last one too', () => {
    const beside = new Beside().begin()
    let again: string[] = []
    for (let i = 0; i < 60 && again.length < 2; i++) {
      beside.put(1)
      again = beside.files.list('')!.filter((path) => {
        if (!path.endsWith('.log')) return false
        let lists = 0
        const names = () => beside.files.list('')!.filter((name) => name !== path || lists++ > 0)
        const files = { ...looksAt(beside.files, (name) => beside.files.open(name)), list: names }
        beside.expectShown(beside.read(files), beside.commits.length)
        return lists > 1
      })
    }
    expect(again.length).toBeGreaterThan(1)
  })

  test('begins anew where a file that was removed cannot be opened for another reason than that', () => {
    const beside = copyOf(closed)
    const before = beside.files.list('')!
    let isMerged = false
    const files = looksAt(beside.files, (path) => {
      if (path.endsWith('.table') && !isMerged) {
        isMerged = true
        beside.db.compact()
      }
      if (isMerged && before.includes(path) && beside.files.size(path) === undefined)
        throw ioFailed('open', path, 'EPERM')
      return beside.files.open(path)
    })
    beside.expectShown(beside.read(files), beside.commits.length)
  })

  test('says that a file ends too early where it always does, which is no sign of a writer', () => {
    const beside = copyOf(closed)
    const { files, opened } = withFilesAtMost(beside.files, Infinity)
    const ending = looksAt(files, (path) => {
      const file = files.open(path)
      if (!path.endsWith('.log')) return file
      const read = () => {
        throw ioFailed('read', path, 'EOF')
      }
      return { size: file.size, read, close: () => file.close() }
    })
    expect(refusal(() => beside.read(ending))).toMatchObject({ code: 'IO_FAILED', details: { errno: 'EOF' } })
    expect(opened()).toBe(0)
  })

  test('that was closed opens nothing any more', () => {
    const beside = copyOf(closed)
    const reader = beside.read()
    const versions = reader.versions('k.t')[Symbol.iterator]()
    versions.next()
    reader.close()
    expect(refusal(() => Array.from({ length: 50 }, () => versions.next()))?.code).toBe('CLOSED')
  })
})

/** Files of which so many can be open at most, as the system has it. */
function withFilesAtMost(files: MemoryFiles, limit: number): { files: FileSystem; opened: () => number } {
  let opened = 0
  const limited = looksAt(files, (path) => {
    if (opened === limit) throw ioFailed('open', path, 'EMFILE')
    const file = files.open(path)
    let isOpen = true
    opened++
    return {
      size: file.size,
      read: (offset, length) => file.read(offset, length),
      close: () => {
        if (isOpen) opened--
        isOpen = false
        file.close()
      },
    }
  })
  return { files: limited, opened: () => opened }
}

test.each([0, 1, 5, 20, 60, 61])(
  'a reader beside %i commits takes no more for durable than a power cut leaves',
  (count) => {
    const files = new FaultFiles()
    const clock = new StandingClock(START)
    const at = (of: FileSystem) => ({ files: of, clock, checksum: crc32 })
    const read = (of: FileSystem) =>
      openDatabase({ ...at(of), clock: new StandingClock(START + HOUR) }, { readOnly: true })
    const db = openDatabase(at(files), { geometry: 'miniature' })
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t', { keep: 'forever', values: 'text' })
    const commits = Array.from({ length: count }, (_, i) => {
      clock.advance(1000)
      return { key: `key ${i % 7}`, value: `value ${i}`, ...table.put(`key ${i % 7}`, `value ${i}`) }
    })
    const { durableThrough } = read(files)
    expect(durableThrough <= db.durableThrough).toBe(true)
    // Where something is in tables, something is known.
    expect(commits.some(({ time }) => time <= durableThrough)).toBe(db.files('k.t').length > 0)
    const image = files.crash('synced-only', seededRandom(count))
    const left = read(image)
    for (const { time, key, value } of commits)
      if (time <= durableThrough) expect(left.table('k.t').get(key, { asOf: time })).toBe(value)
    openDatabase(at(image)).close()
    const ended = read(image)
    expect(ended.durableThrough).toBe(ended.newest)
  },
)
