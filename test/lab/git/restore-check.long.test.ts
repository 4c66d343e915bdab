/**
 * A real history restored many times under every policy, each time proved and undone (law 8).
 */
import { randomInt } from 'node:crypto'
import { describe, test } from 'vitest'
import { readGitLogFile } from '../../../src/lab/git/gitlog.ts'
import { POLICY_NAMES } from '../../../src/storage/policy.ts'
import { trace } from './replay.ts'
import { expectRestores } from './restored.ts'

describe.each(POLICY_NAMES)('%s', (policy) => {
  const { path, present } = trace('toydb')
  describe.each(['forever', '365d'])('kept %s', (keep) => {
    test.skipIf(!present).each([1, randomInt(2 ** 31)])(
      '50 restores of the trace toydb are proved and undone (seed %i)',
      async (seed) => {
        await expectRestores(policy, readGitLogFile(path), { keep, restores: 50, seed })
      },
    )
  })
})
