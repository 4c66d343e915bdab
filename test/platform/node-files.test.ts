/** Files of the operating system: what is theirs alone. The rules all share are in `test/conformance/`. */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, pid, platform } from 'node:process'
import { pathToFileURL } from 'node:url'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { NodeFiles, checksum } from '../../src/platform/node-files.ts'

const DIST = join(import.meta.dirname, '../../dist')
const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-node-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function failure(action: () => unknown): PalimpsestError {
  try {
    action()
  } catch (error) {
    if (error instanceof PalimpsestError) return error
    throw error
  }
  return expect.unreachable('it was refused')
}

test('the root is there only after it was made, with those above it', () => {
  const root = join(scratch, 'one/two')
  const files = new NodeFiles(root)
  expect(files.list('')).toBeUndefined()
  expect(failure(() => files.create('a')).details['errno']).toBe('ENOENT')
  files.makeDirectory('')
  files.create('a').close()
  expect(files.list('')).toEqual(['a'])
  expect(existsSync(join(root, 'a'))).toBe(true)
})

test.skipIf(platform === 'win32')('the name of the root is made durable, whoever made it', () => {
  const root = join(scratch, 'made before')
  mkdirSync(root)
  const script = `
    import { closeSync, openSync } from 'node:fs'
    import { NodeFiles } from ${JSON.stringify(pathToFileURL(join(DIST, 'platform/node-files.js')).href)}
    const files = new NodeFiles(process.argv[1])
    const open = []
    const fill = () => { for (;;) open.push(openSync(process.argv[1], 'r')) }
    try { fill() } catch {}
    // At the second time it is there, and still nobody has synced its name.
    for (let turn = 0; turn < 2; turn++) {
      try {
        files.makeDirectory('')
      } catch (error) {
        const { operation, path, errno } = error.details
        console.log(operation, path, errno)
      }
    }
    closeSync(open.pop())
    files.makeDirectory('')`
  // What cannot be opened cannot be synced.
  const argv = ['-c', 'ulimit -n 64; exec "$0" "$@"', execPath, '--input-type=module', '-e', script, root]
  expect(spawnSync('sh', argv, { encoding: 'utf8' })).toMatchObject({
    ...{ stdout: `syncDirectory ${scratch} EMFILE\n`.repeat(2), stderr: '', status: 0 },
  })
})

test.skipIf(platform !== 'linux')('a root whose name nobody could sync is as good as any', () => {
  expect(() => new NodeFiles(`/proc/${pid}`).makeDirectory('')).not.toThrow()
  expect(() => new NodeFiles('/').makeDirectory('')).not.toThrow()
})

// Node's recursive mkdir never returns below /proc: the directory is there, but to make one in it fails with ENOENT.
test.skipIf(platform !== 'linux')(
  'a directory where none can be made is refused, by a call that returns',
  () => {
    const script = `
    import { NodeFiles } from ${JSON.stringify(pathToFileURL(join(DIST, 'platform/node-files.js')).href)}
    try {
      new NodeFiles('/proc/nowhere/at/all').makeDirectory('')
    } catch (error) {
      console.log(error.code, error.details.operation, error.details.errno)
    }`
    const argv = ['--input-type=module', '-e', script]
    expect(spawnSync(execPath, argv, { encoding: 'utf8', timeout: 10_000 })).toMatchObject({
      ...{ stdout: 'IO_FAILED makeDirectory ENOENT\n', stderr: '', status: 0 },
    })
  },
)

test('directories are made down from the first that is not there, and a file among them is refused', () => {
  const root = join(scratch, 'made', 'one', 'by', 'one')
  new NodeFiles(root).makeDirectory('and/below')
  expect(statSync(join(root, 'and/below')).isDirectory()).toBe(true)
  new NodeFiles(root).makeDirectory('and/below')
  writeFileSync(join(root, 'file'), '')
  const files = new NodeFiles(root)
  expect(failure(() => files.makeDirectory('file')).details['errno']).toBe('EEXIST')
  expect(failure(() => files.makeDirectory('file/below')).details['errno']).toBe('ENOTDIR')
  symlinkSync(join(root, 'nowhere'), join(root, 'leads nowhere'))
  expect(failure(() => files.makeDirectory('leads nowhere')).details['errno']).toBe('EEXIST')
  symlinkSync(root, join(root, 'leads back'))
  files.makeDirectory('leads back')
})

test('the root is what it was when it was given, not what the working directory makes of it later', () => {
  expect(failure(() => new NodeFiles('')).code).toBe('INVALID_ARGUMENT')
  expect(failure(() => new NodeFiles('a\0b')).code).toBe('INVALID_ARGUMENT')
  const relative = new NodeFiles('nowhere-at-all')
  expect(failure(() => relative.create('a')).details['path']).toBe(join(process.cwd(), 'nowhere-at-all/a'))
})

test('a refusal names the full path and keeps what the operating system said', () => {
  const files = new NodeFiles(scratch)
  const error = failure(() => files.create('none/a'))
  expect(error.details).toEqual({ operation: 'create', path: join(scratch, 'none/a'), errno: 'ENOENT' })
  expect(error.cause).toBeInstanceOf(Error)
})

test.skipIf(platform === 'win32')('files are made readable by all and writable by the owner', () => {
  const files = new NodeFiles(scratch)
  files.create('mode').close()
  expect(statSync(join(scratch, 'mode')).mode & 0o777 & ~0o644).toBe(0)
})

test.skipIf(platform === 'win32')('a symbolic link is not followed to a file', () => {
  const files = new NodeFiles(scratch)
  writeFileSync(join(scratch, 'secret'), 'x')
  symlinkSync(join(scratch, 'secret'), join(scratch, 'link'))
  const actions = [
    () => files.open('link'),
    () => files.append('link'),
    () => files.size('link'),
    () => files.truncate('link', 0),
    () => files.link('link', 'other'),
    () => files.lock('link'),
  ]
  for (const action of actions) expect(failure(action).details['errno']).toBe('EFTYPE')
  expect(statSync(join(scratch, 'secret')).size).toBe(1)
})

test('closing a handle twice does not close a file that got its number', () => {
  const files = new NodeFiles(scratch)
  const first = files.create('first')
  first.close()
  const second = files.create('second')
  first.close()
  second.append(bytesOfText('still open'))
  second.close()
  expect(files.size('second')).toBe(10)
})

test('what a cut leaves is what the next opening finds', () => {
  mkdirSync(join(scratch, 'cut'))
  const files = new NodeFiles(join(scratch, 'cut'))
  const file = files.create('a')
  file.append(bytesOfText('abcdef'))
  file.sync()
  file.close()
  files.truncate('a', 2)
  const again = files.append('a')
  expect(again.size).toBe(2)
  again.append(bytesOfText('Z'))
  again.sync()
  again.close()
  expect(files.size('a')).toBe(3)
})

test.each([5, randomInt(2 ** 31)])('the fast checksum is the pure one, seeds included (seed %i)', (seed) => {
  const seeds = fc.oneof(
    fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1),
    fc.nat({ max: 2 ** 32 - 1 }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 200 }), seeds, (bytes, at, start) => {
      expect(checksum(bytes)).toBe(crc32(bytes))
      expect(checksum(bytes, start)).toBe(crc32(bytes, start))
      const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
      expect(checksum(tail, checksum(head))).toBe(checksum(bytes))
    }),
    { seed, numRuns: 200 },
  )
  expect(checksum(bytesOfText('123456789'))).toBe(0xcbf43926)
})
