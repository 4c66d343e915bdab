/** A history under a policy: verified, restored many times, each time proved and undone, and verified again. */
import { expect } from 'vitest'
import { type GitCommit } from '../../../src/lab/git/history.ts'
import { type RestoreCheckReport, checkRestores } from '../../../src/lab/git/restore-check.ts'
import { type PolicyName } from '../../../src/storage/policy.ts'
import { imported, proved } from './under-policies.ts'

/** Expects every restore to be proved, and every commit to read as before. Answers what was found. */
export async function expectRestores(
  policy: PolicyName,
  commits: Iterable<GitCommit>,
  { keep, restores, seed }: { keep: string; restores: number; seed: number },
): Promise<RestoreCheckReport> {
  using database = imported(policy, commits, keep).database
  const before = proved(database)
  expect(before.unreadable > 0).toBe(keep !== 'forever')
  const found = await checkRestores(database, { restores, seed })
  const replay = `replay: seed ${seed}, ${policy}, kept ${keep}`
  expect(found, replay).toMatchObject({ readable: before.matched, restores, proved: restores, failed: 0 })
  expect(proved(database), replay).toEqual(before)
  return found
}
