import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { open } from '../../src/index.ts'
import { runMainJob } from '../../src/lab/main-job.ts'
import { verifyHistory } from '../../src/lab/git/verify.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-test-'))
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true })
})

describe('the main job', () => {
  test('without a repository takes a generated history, says so, and proves every commit that is readable', () => {
    const steps = new Set<string>()
    const report = runMainJob({ directory: scratch, keepIn: scratch, onProgress: (step) => steps.add(step) })
    expect(report.source).toMatchObject({ kind: 'generated' })
    expect(report.source.because).toMatch(/generated history/)
    expect(report.isProved).toBe(true)
    expect(report.steps.map(({ verified }) => verified.matched)).toEqual(Array(3).fill(report.source.commits))
    expect(steps.size).toBeGreaterThan(5)

    // Less history is fewer versions, and what was given up is refused, not answered wrongly.
    const [one, ten, all] = report.windows
    expect(one!.versions).toBeLessThan(ten!.versions)
    expect(ten!.versions).toBeLessThan(all!.versions)
    expect(one!.verified.unreadable).toBeGreaterThan(ten!.verified.unreadable)
    expect(all!.verified.matched).toBe(report.source.commits)

    const kept = open(report.database, { readOnly: true })
    expect(verifyHistory(kept).matched).toBe(report.source.commits)
    expect(kept.table(`git.files`).get(report.example.path, { asOf: report.example.at })).toBeDefined()
    kept.close()
  })
})
