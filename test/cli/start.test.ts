import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reportText } from '../../src/cli/start.ts'
import { Session } from '../../src/cli/session.ts'
import { type MainJobReport } from '../../src/lab/main-job.ts'
import { cli, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()

test('start proves a history, keeps its databases, and what it says to try next works', async () => {
  const { exitCode, stdout, stderr } = await cli(['start', '--keep-in', 'results', '--json'], { cwd })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  const report = JSON.parse(stdout) as MainJobReport
  expect(report).toMatchObject({ isProved: true, source: { kind: 'generated' } })
  expect(report.directory).toContain(join(cwd, 'results'))
  expect(readdirSync(join(cwd, 'results')).length).toBe(1)
  expect(existsSync(report.database)).toBe(true)

  const sink = { isTty: false, columns: 80, write: () => undefined, drained: () => Promise.resolve() }
  const session = new Session({ stdout: sink, stderr: sink, cwd, env: {} }, false)
  const text = await reportText(session, report)
  expect(text).toContain(report.directory)
  for (const { step } of report.steps) expect(text).toMatch(new RegExp(`${step} +600 +600 +0 +0$`, 'm'))
  for (const { share, verified } of report.windows) {
    expect(text).toMatch(new RegExp(`${share * 100} % .* ${verified.matched} +${verified.unreadable}$`, 'm'))
  }

  const commands = [...text.matchAll(/^ {2}npx palimpsest (.*)$/gm)].map(([, line]) => line!)
  expect(commands.length).toBe(3)
  for (const line of commands) {
    const outcome = await cli(wordsOf(line), { cwd })
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' })
    expect(outcome.stdout).not.toBe('')
  }
})

/** The words of a line as a shell cuts it, with single quotes only. */
function wordsOf(line: string): readonly string[] {
  return Array.from(line.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g), ([word]) =>
    word.replaceAll(/'([^']*)'|\\(')/g, (_, inner?: string, quote?: string) => inner ?? quote ?? ''),
  )
}
