/** What a failure says of itself: it has to lead back to the test that failed. */
import { expect, test } from 'vitest'
import { anyRun } from '../../src/testing/arbitraries.ts'
import { checkRuns } from './property.ts'

function failing(): void {
  checkRuns(anyRun(1), 1, () => {
    throw new Error('as it should')
  })
}

/** What a shell makes of the pattern of a replay line. */
function patternIn(thrown: unknown): RegExp {
  const quoted = / -t "(.*)"$/m.exec((thrown as Error).message)?.[1] ?? expect.unreachable('no pattern')
  expect(quoted).not.toMatch(/["$`\\!]/)
  return new RegExp(quoted)
}

test('a replay line finds its test, whatever stands in the title (law 10), "$5"? [a+b] `c` \\d!', () => {
  const { currentTestName } = expect.getState()
  let thrown: unknown
  try {
    failing()
  } catch (error) {
    thrown = error
  }
  expect(currentTestName).toMatch(patternIn(thrown))
})
