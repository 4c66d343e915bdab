import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { open } from '../../../src/index.ts'
import { type MainJobReport, runMainJob } from '../../../src/lab/main-job/main-job.ts'
import { readRepository } from '../../../src/lab/git/repository.ts'
import { treeIdNow, verifyHistory } from '../../../src/lab/git/verify.ts'
import { makeRepository } from './repository.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-test-'))
const COMMITS = 30
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true })
})

describe('the main job', () => {
  const steps = new Set<string>()
  let report: MainJobReport
  beforeAll(async () => {
    const directory = join(scratch, 'repository')
    makeRepository(directory, COMMITS)
    const restoreTo = [...readRepository(directory)][4]!.id.slice(0, 10)
    const onProgress = (step: string) => steps.add(step)
    report = await runMainJob({ directory, keepIn: scratch, rowsMin: 300, restoreTo, onProgress })
  }, 60_000)

  test('takes the history of the repository, and proves every commit', () => {
    expect(report.source).toMatchObject({ kind: 'repository', commits: COMMITS, changes: COMMITS })
    expect(report.isProved).toBe(true)
    expect(report.steps.map(({ verified }) => verified.matched)).toEqual([COMMITS, COMMITS, COMMITS])
    expect(steps.size).toBeGreaterThan(12)
  })

  test('weighs every policy over every window, in databases that stay', () => {
    const { windows } = report.weighing
    expect(windows.map(({ share }) => share)).toEqual([0.01, 0.1, 1])
    const directories = windows.flatMap(({ policies }) => policies.map(({ directory }) => directory))
    expect(readdirSync(report.directory).length).toBe(1 + 9)
    for (const directory of directories) open(directory, { readOnly: true }).close()
  })

  test('restores the commit that was asked for, and leaves all as it was', () => {
    const { restore } = report
    expect(restore).toMatchObject({ chosenBy: 'name', position: 5, isProved: true })
    expect(restore.proof.restored).toBe(restore.proof.expected)
    expect(restore.verified).toMatchObject({ commits: COMMITS, matched: COMMITS })
    using kept = open(report.database, { readOnly: true })
    expect(kept.restores().map(({ cause }) => cause)).toEqual(['restore', 'undo'])
    expect(treeIdNow(kept)).toBe(restore.proof.undone)
    expect(verifyHistory(kept).matched).toBe(report.source.commits)
  })

  test('refuses a commit to restore that is none, before anything is made', async () => {
    const before = readdirSync(scratch)
    const directory = join(scratch, 'repository')
    const job = runMainJob({ directory, keepIn: scratch, restoreTo: '0000000' })
    await expect(job).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(readdirSync(scratch)).toEqual(before)
  })

  test('gives an example that can be read', () => {
    using kept = open(report.database, { readOnly: true })
    expect(kept.table('git.files').get(report.example.path, { asOf: report.example.time })).toBeDefined()
  })

  test('gives an example that can be read, of a repository all of whose commits were made in one second', async () => {
    const directory = join(scratch, 'fast')
    // The last of them deletes the file that changed most often.
    makeRepository(directory, 28, { secondsBetween: 0 })
    const { database, example } = await runMainJob({ directory, keepIn: scratch, rowsMin: 100 })
    using kept = open(database, { readOnly: true })
    const files = kept.table('git.files')
    expect(files.get(example.path, { asOf: example.at })).toBeUndefined()
    expect(files.get(example.path, { asOf: example.time })).toBeDefined()
  })
})
