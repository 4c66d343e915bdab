/** Files that stand still: what a reader asks of them alone. What it sees beside a writer is in `test/store/readers.test.ts`. */
import { expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { SimulatedCrash } from '../../src/simulator/fault-plan.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { StandingFiles } from '../../src/storage/standing-files.ts'
import { putFile, refusal } from './samples.ts'

test('a file that is kept has the size it was kept with, any other the one it has', () => {
  const files = new MemoryFiles()
  putFile(files, 'kept', bytesOfText('four'))
  putFile(files, 'other', bytesOfText('four'))
  const standing = new StandingFiles(files)
  expect(standing.keep(['kept'])).toBe(true)
  for (const path of ['kept', 'other']) putFile(files, path, bytesOfText('longer'))
  expect(['kept', 'other', 'missing'].map((path) => standing.size(path))).toEqual([4, 6, undefined])
})

test('the names in the root are those that were read, in any other directory those that are there', () => {
  const files = new MemoryFiles()
  files.makeDirectory('inner')
  const standing = new StandingFiles(files)
  standing.readNames()
  for (const path of ['later', 'inner/later']) putFile(files, path, bytesOfText('x'))
  expect(standing.list('')).toEqual(['inner'])
  expect(standing.list('inner')).toEqual(['later'])
  expect(standing.list('nowhere')).toBeUndefined()
})

test('once closed they open nothing, neither what was kept nor anything else', () => {
  const files = new MemoryFiles()
  for (const path of ['kept', 'other']) putFile(files, path, bytesOfText('x'))
  const standing = new StandingFiles(files)
  standing.keep(['kept'])
  standing.close()
  for (const path of ['kept', 'other', 'missing'])
    expect(refusal(() => standing.open(path))?.code, path).toBe('CLOSED')
})

test('a file that cannot be opened is missing, but the end of the process is no answer about a file', () => {
  const files = new FaultFiles()
  const standing = new StandingFiles(files)
  expect(standing.keep(['missing'])).toBe(false)
  files.crash('process-kill', seededRandom(1))
  expect(() => standing.keep(['missing'])).toThrow(SimulatedCrash)
})
