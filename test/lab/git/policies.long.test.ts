/**
 * A real history that proves itself, under every policy, and after the policy was changed.
 */
import { describe, expect, test } from 'vitest'
import { readGitLogFile } from '../../../src/lab/git/gitlog.ts'
import { POLICY_NAMES } from '../../../src/storage/policy.ts'
import { trace } from './replay.ts'
import { expectLayout, imported, proved } from './under-policies.ts'

describe.each(POLICY_NAMES)('%s', (policy) => {
  const { path, present } = trace('toydb')
  test.skipIf(!present).each(['forever', '365d'])('the trace toydb is proved, kept %s', (keep) => {
    const { database, reopen, most } = imported(policy, readGitLogFile(path), keep)
    if (keep === 'forever') expectLayout(policy, most)
    const before = proved(database)
    expect(before.unreadable > 0).toBe(keep === '365d')
    const next = POLICY_NAMES[(POLICY_NAMES.indexOf(policy) + 1) % POLICY_NAMES.length]!
    const changed = reopen(next)
    changed.compact()
    expect(proved(changed)).toEqual(before)
    changed.close()
  })
})
