/** What all file systems share beside their calls: that what has to be there is there. */
import { expect, test } from 'vitest'
import { ioFailed, namesIn, sizeOfFile } from '../../src/storage/file-rules.ts'
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

test('why the system refused is said in words, and by its own word where there are none', () => {
  const said = (errno: string) => ioFailed('lock', 'LOCK', errno).message
  expect(said('EACCES')).toBe('lock failed on "LOCK": permission denied (EACCES)')
  expect(said('EPERM')).toContain(': permission denied (EPERM)')
  expect(said('EROFS')).toContain(': the file system is read-only (EROFS)')
  for (const errno of ['EMFILE', 'ENFILE']) expect(said(errno)).toContain(`: too many open files (${errno})`)
  expect(said('EDQUOT')).toContain(': the quota of the disk is used up (EDQUOT)')
  expect(said('ESTALE')).toBe('lock failed on "LOCK": ESTALE')
})
