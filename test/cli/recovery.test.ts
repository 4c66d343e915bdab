/**
 * What the command line says of a database whose process died: on real files, with whole and with torn logs.
 */
import { cpSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DatabaseStats, type Receipt, formatExact, formatIso, open } from '../../src/index.ts'
import { cli, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const at = { cwd }

/** A directory as a process left it that died after three puts, and the receipts of these. */
function crashed(name: string): readonly Receipt[] {
  const database = open(join(cwd, `${name}-alive`))
  database.createKeyspace('k')
  const table = database.createTable('k.t', { values: 'text' })
  const receipts = ['1', '2', '3'].map((value) => table.put('a', value))
  const isLock = (path: string): boolean => path.endsWith('LOCK')
  cpSync(join(cwd, `${name}-alive`), join(cwd, name), { recursive: true, filter: (path) => !isLock(path) })
  database.close()
  return receipts
}

/** Cuts the last bytes of the log off. */
function tear(name: string, bytes: number): void {
  const log = readdirSync(join(cwd, name)).findLast((file) => file.endsWith('.log'))!
  const path = join(cwd, name, log)
  truncateSync(path, statSync(path).size - bytes)
}

function through({ time }: Receipt): string {
  return `all commits through ${formatIso(time)} (${formatExact(time)}) are there\n`
}

test('a torn log is said by everyone who opens it, until one has cut it off', async () => {
  const [, second] = crashed('torn')
  tear('torn', 1)
  const stats = JSON.parse((await cli(['stats', 'torn', '--json'], at)).stdout) as DatabaseStats
  const { tornBytes } = stats.recovery
  expect(tornBytes).toBeGreaterThan(20)
  const read = await cli(['get', 'torn', 'k.t', 'a'], at)
  expect(read).toEqual({
    exitCode: 0,
    stdout: '2\n',
    stderr: `palimpsest: the log ends in ${tornBytes} torn bytes, passed over; ${through(second!)}`,
  })
  expect((await cli(['check', 'torn'], at)).stderr).toBe(read.stderr)
  const written = await cli(['compact', 'torn'], at)
  expect(written.exitCode).toBe(0)
  expect(written.stderr).toBe(
    `palimpsest: the log ended in ${tornBytes} torn bytes, cut off; ${through(second!)}`,
  )
  expect(await cli(['get', 'torn', 'k.t', 'a'], at)).toEqual({ exitCode: 0, stdout: '2\n', stderr: '' })
})

test('a log without a torn end is said by who writes, and to people by who reads', async () => {
  const receipts = crashed('whole')
  const last = through(receipts.at(-1)!)
  const get = ['get', 'whole', 'k.t', 'a']
  expect(await cli(get, at)).toEqual({ exitCode: 0, stdout: '3\n', stderr: '' })
  const said = await cli(get, { ...at, stderrIsTty: true })
  expect(said.stderr).toContain(`the database was not closed, or is in use; ${last}`)
  expect((await cli(['compact', 'whole'], at)).stderr).toBe(
    `palimpsest: the database had not been closed; ${last}`,
  )
  expect((await cli(['compact', 'whole'], at)).stderr).toBe('')
})

test('files that a crash left behind are removed by who writes, and named', async () => {
  const receipts = crashed('orphaned')
  writeFileSync(join(cwd, 'orphaned', '000099.table'), 'half a table')
  expect((await cli(['check', 'orphaned'], at)).stderr).toBe('')
  expect((await cli(['compact', 'orphaned'], at)).stderr).toBe(
    `palimpsest: the database had not been closed; ${through(receipts.at(-1)!).trimEnd()}` +
      '; removed 000099.table, which nothing named\n',
  )
  expect(readdirSync(join(cwd, 'orphaned'))).not.toContain('000099.table')
})

test('a log that holds nothing but torn bytes has no commits', async () => {
  crashed('nothing')
  const log = join(cwd, 'nothing', '000001.log')
  // A segment begins with a header of 24 bytes.
  truncateSync(log, 24 + 6)
  expect((await cli(['check', 'nothing'], at)).stderr).toBe(
    'palimpsest: the log ends in 6 torn bytes, passed over; there are no commits\n',
  )
})

test('with --json it is in the results of stats and check, and stderr stays empty', async () => {
  const receipts = crashed('json')
  tear('json', 1)
  const newestCommit = { time: formatExact(receipts[1]!.time), at: formatIso(receipts[1]!.time) }
  for (const command of ['stats', 'check']) {
    const { exitCode, stdout, stderr } = await cli([command, 'json', '--json'], at)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const { recovery } = JSON.parse(stdout) as Pick<DatabaseStats, 'recovery'>
    expect(recovery).toEqual({
      commits: 4,
      newestCommit,
      tornBytes: expect.any(Number),
      wasClosedCleanly: false,
      orphans: [],
    })
  }
})

test('a new database, and one that was closed, need no word', async () => {
  open(join(cwd, 'new')).close()
  expect((await cli(['stats', 'new'], { ...at, stderrIsTty: true })).stderr).toBe('')
  const database = open(join(cwd, 'new'))
  expect(database.recovery).toMatchObject({ commits: 0, tornBytes: 0, wasClosedCleanly: true })
  database.close()
})
