import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { reportText } from '../../src/cli/start-text.ts'
import { Session } from '../../src/cli/session.ts'
import { type MainJobReport } from '../../src/lab/main-job/main-job.ts'
import { makeRepository } from '../lab/main-job/repository.ts'
import { cli, expectRefusal, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const COMMITS = 30

describe('start', () => {
  let report: MainJobReport
  beforeAll(async () => {
    makeRepository(cwd, COMMITS)
    const argv = ['start', '--keep-in', 'results', '--rows', '100', '--seed', '7', '--json']
    const { exitCode, stdout, stderr } = await cli(argv, { cwd })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    report = JSON.parse(stdout) as MainJobReport
  }, 60_000)

  test('proves a history, says where it is from, and keeps its databases', () => {
    expect(report).toMatchObject({ isProved: true, source: { kind: 'repository' }, weighing: { seed: 7 } })
    expect(report.directory).toContain(join(cwd, 'results'))
    expect(readdirSync(join(cwd, 'results')).length).toBe(1)
    expect(existsSync(report.database)).toBe(true)
  })

  test('tells what it found in lines of at most 110 columns', () => {
    const text = textOf(report)
    const { weighing, restore } = report
    expect(restore.chosenBy).toBe('seed')
    for (const { step } of report.steps)
      expect(text).toMatch(new RegExp(`${step} +${COMMITS} +${COMMITS} +0 +0$`, 'm'))
    for (const { share, least, policies } of weighing.windows) {
      const { readableFrom, readableCommits } = policies[0]!
      const from = readableFrom.replace(/\.\d+Z$/, 'Z')
      const window = `^ +${share * 100} % +${from} .* ${grouped(readableCommits)} +${grouped(least.versions)} `
      expect(text).toMatch(new RegExp(window, 'm'))
      for (const { policy, writeAmplification, versions, past } of policies) {
        const costs = `${writeAmplification.toFixed(2)} .* ${grouped(versions)} .* ${past.blocks.toFixed(2)}`
        expect(text).toMatch(new RegExp(`^ +${share * 100} % +${policy} +${costs} `, 'm'))
      }
    }
    expect(text).toContain(`restored: tree ${restore.proof.expected}, which git recorded`)
    expect(text).toContain('are of the table git.files alone.')
    expect(text).toContain('chosen by seed 7')
    expect(text).toContain(`every commit once more: ${COMMITS} of ${COMMITS} matched`)
    // Beyond that, only lines with a path, which is as long as it is.
    const long = text.split('\n').filter((line) => line.length > 110)
    expect(long.filter((line) => !line.includes(cwd))).toEqual([])
  })

  test('says so where something is not proved, with the line that does it again', () => {
    const text = textOf({ ...report, isProved: false })
    expect(text).toMatch(/^NOT PROVED/m)
    expect(text).toMatch(/^replay: palimpsest start --seed 7 --rows 100$/m)
    const { restore } = report
    const named = textOf({ ...report, isProved: false, restore: { ...restore, chosenBy: 'name' } })
    expect(named).toContain(
      `replay: palimpsest start --seed 7 --rows 100 --restore-to ${restore.proof.commit}`,
    )
  })

  test('what it says to try next works', async () => {
    const commands = [...textOf(report).matchAll(/^ {2}npx palimpsest (.*)$/gm)].map(([, line]) => line!)
    expect(commands.length).toBe(3)
    for (const line of commands) {
      const outcome = await cli(wordsOf(line), { cwd })
      expect(outcome).toMatchObject({ exitCode: 0, stderr: '' })
      expect(outcome.stdout).not.toBe('')
    }
  })

  test.each([['0000000000'], ['HEAD'], ['']])('refuses to restore %j, and makes nothing', async (commit) => {
    const argv = ['start', '--keep-in', 'nothing', '--restore-to', commit]
    await expectRefusal(argv, { code: 'INVALID_ARGUMENT', exitCode: 2 }, { cwd })
    expect(existsSync(join(cwd, 'nothing'))).toBe(false)
  })
})

function textOf(report: MainJobReport): string {
  const sink = { isTty: false, columns: 80, write: () => undefined, drained: () => Promise.resolve() }
  return reportText(new Session({ stdout: sink, stderr: sink, cwd, env: {} }, false), report)
}

/** A number as it is printed. */
function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/** The words of a line as a shell cuts it, with single quotes only. */
function wordsOf(line: string): readonly string[] {
  return Array.from(line.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g), ([word]) =>
    word.replaceAll(/'([^']*)'|\\(')/g, (_, inner?: string, quote?: string) => inner ?? quote ?? ''),
  )
}
