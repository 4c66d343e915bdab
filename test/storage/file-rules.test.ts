/** What all file systems share beside their calls: that what has to be there is there. */
import { expect, test } from 'vitest'
import { namesIn, sizeOfFile } from '../../src/storage/file-rules.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { putFile, refusal } from './samples.ts'

test('a file or a directory that has to be there, and is not, is refused by its path', () => {
  const files = new MemoryFiles()
  putFile(files, 'a', Uint8Array.of(1, 2))
  expect([namesIn(files, ''), sizeOfFile(files, 'a')]).toEqual([['a'], 2])
  expect(refusal(() => namesIn(files, 'none'))).toMatchObject({
    code: 'IO_FAILED',
    details: { operation: 'list', path: 'none', errno: 'ENOENT' },
  })
  expect(refusal(() => sizeOfFile(files, 'none'))).toMatchObject({
    code: 'IO_FAILED',
    details: { operation: 'size', path: 'none', errno: 'ENOENT' },
  })
})
