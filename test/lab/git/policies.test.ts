/**
 * Histories that prove themselves, under every policy, and after the policy was changed.
 */
import { describe, expect, test } from 'vitest'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { POLICY_NAMES } from '../../../src/storage/policy.ts'
import { expectLayout, imported, proved } from './under-policies.ts'

describe.each(POLICY_NAMES)('%s', (policy) => {
  test('every commit of a history is proved, then under each other policy in turn', () => {
    const commits = [...generateHistory({ seed: 11, commits: 900, files: 150 })]
    const { database, reopen, most } = imported(policy, commits, 'forever')
    expectLayout(policy, most)
    const all = { commits: 900, matched: 900, unreadable: 0 }
    expect(proved(database)).toEqual(all)
    for (const other of POLICY_NAMES.filter((name) => name !== policy)) {
      const changed = reopen(other)
      changed.flush()
      expect(proved(changed)).toEqual(all)
      changed.close()
    }
  })
})
