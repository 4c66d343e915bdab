/**
 * The commands of the documents that are marked `long`. `npm run test:long` is the run that this is a part of,
 * and the others are parts of that.
 */
import { afterAll, expect, test } from 'vitest'
import { ReaderRepository, argumentsOf, commandsOf } from './examples.ts'
import { blocksOf, documents } from './markdown.ts'

const PARTS = ['npm run test:long', 'npm run -s test:kit', 'npm run -s test:hostile']

const repository = new ReaderRepository()
afterAll(() => repository.remove())

const long = documents()
  .flatMap(blocksOf)
  .filter(({ flags }) => flags.includes('long'))
  .flatMap(commandsOf)

test.each(long)('$place: $line', ({ line }) => {
  const words = argumentsOf(line)
  if (words === undefined) expect(PARTS).toContain(line)
  else expect(repository.run(words)).toMatchObject({ status: 0, stderr: '' })
})
