/** Lock files: one holder at a time among processes, and none once its process is gone. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, kill, pid, platform } from 'node:process'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { PalimpsestError } from '../../src/base/errors.ts'
import { NodeFiles } from '../../src/platform/node-files.ts'

const DIST = join(import.meta.dirname, '../../dist')
const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-lock-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

let count = 0
function freshDirectory(): string {
  const directory = join(scratch, String(count++))
  mkdirSync(directory)
  return directory
}

interface Content {
  readonly pid: number
  readonly boot?: string
  readonly started?: string
  readonly token: string
}

/** What the lock file of this process would say. */
function ownContent(): Content {
  const directory = freshDirectory()
  const lock = new NodeFiles(directory).lock('LOCK')
  const content = JSON.parse(readFileSync(join(directory, 'LOCK'), 'utf8')) as Content
  lock.release()
  return content
}

/** A process number that was in use and no longer is. */
function deadPid(): number {
  return spawnSync(execPath, ['-e', '']).pid
}

function plant(directory: string, content: unknown, name = 'LOCK'): void {
  writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))
}

/** Takes and releases the lock; the error if it is held. */
function tryLock(directory: string): PalimpsestError | undefined {
  try {
    new NodeFiles(directory).lock('LOCK').release()
    return undefined
  } catch (error) {
    if (error instanceof PalimpsestError) return error
    throw error
  }
}

const TOKEN = '0123456789abcdef'

test('a lock names its process, and one who finds it is told', () => {
  const directory = freshDirectory()
  const lock = new NodeFiles(directory).lock('LOCK')
  const error = tryLock(directory)
  expect(error?.code).toBe('DATABASE_LOCKED')
  expect(error?.details).toEqual({ path: join(directory, 'LOCK'), pid })
  lock.release()
  expect(tryLock(directory)).toBeUndefined()
  expect(readdirSync(directory)).toEqual([])
})

test.skipIf(platform === 'win32')('one directory under two names has one lock', () => {
  const directory = freshDirectory()
  const alias = join(scratch, 'alias')
  symlinkSync(directory, alias)
  const lock = new NodeFiles(directory).lock('LOCK')
  rmSync(join(directory, 'LOCK'))
  expect(tryLock(alias)?.code).toBe('DATABASE_LOCKED')
  lock.release()
})

test('a lock of a process that lives is held', async () => {
  const child = spawn(execPath, ['-e', 'setInterval(() => {}, 1000)'])
  try {
    const directory = freshDirectory()
    plant(directory, { pid: child.pid, token: TOKEN })
    expect(tryLock(directory)?.details['pid']).toBe(child.pid)
    expect(existsSync(join(directory, 'LOCK'))).toBe(true)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

test.skipIf(platform !== 'linux')(
  'a lock of a process that has ended is taken over, though its parent has not asked for its end',
  async () => {
    // What the shell becomes has no idea that it has a child.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'])
    try {
      const [output] = (await once(parent.stdout, 'data')) as [Buffer]
      const child = Number(String(output))
      const statOf = (number: number) => readFileSync(`/proc/${number}/stat`, 'utf8')
      await expect.poll(() => statOf(parent.pid!), { timeout: 10_000 }).toContain('(sleep)')
      kill(child, 'SIGKILL')
      await expect.poll(() => statOf(child), { timeout: 10_000 }).toMatch(/\) Z /)
      const directory = freshDirectory()
      plant(directory, { pid: child, token: TOKEN })
      expect(tryLock(directory)).toBeUndefined()
    } finally {
      parent.kill('SIGKILL')
      await once(parent, 'exit')
    }
  },
)

test.skipIf(platform !== 'linux')(
  'a lock of a worker thread is held while the thread lives, and taken over when it has ended without a word',
  async () => {
    const directory = freshDirectory()
    const script = `
      import { parentPort } from 'node:worker_threads'
      import { takeProcessLock } from ${JSON.stringify(pathToFileURL(join(DIST, 'platform/process-lock.js')).href)}
      takeProcessLock(${JSON.stringify(join(directory, 'LOCK'))})
      parentPort.on('message', () => undefined)
      parentPort.postMessage('locked')`
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`))
    try {
      expect(await once(worker, 'message')).toEqual(['locked'])
      expect(tryLock(directory)).toMatchObject({ code: 'DATABASE_LOCKED', details: { pid } })
    } finally {
      await worker.terminate()
    }
    expect(tryLock(directory)).toBeUndefined()
    expect(readdirSync(directory)).toEqual([])
  },
)

test('a lock of a process that is gone is taken over, and nothing is left beside it', () => {
  const directory = freshDirectory()
  plant(directory, { ...ownContent(), pid: deadPid(), token: TOKEN })
  const lock = new NodeFiles(directory).lock('LOCK')
  expect(readdirSync(directory)).toEqual(['LOCK'])
  expect((JSON.parse(readFileSync(join(directory, 'LOCK'), 'utf8')) as Content).pid).toBe(pid)
  expect(tryLock(directory)?.code).toBe('DATABASE_LOCKED')
  lock.release()
})

test.skipIf(platform !== 'linux')(
  'a number that another process has got, a thread that there is not, or another boot, holds nothing',
  () => {
    const own = ownContent()
    const held = freshDirectory()
    plant(held, { ...own, token: TOKEN })
    expect(tryLock(held)?.details['pid']).toBe(pid)
    const reused = freshDirectory()
    plant(reused, { ...own, started: '1', token: TOKEN })
    expect(tryLock(reused)).toBeUndefined()
    const ended = freshDirectory()
    plant(ended, { ...own, thread: '1', token: TOKEN })
    expect(tryLock(ended)).toBeUndefined()
    const noThread = freshDirectory()
    plant(noThread, { ...own, thread: '../nowhere', token: TOKEN })
    expect(tryLock(noThread)?.details['pid']).toBe(pid)
    const rebooted = freshDirectory()
    plant(rebooted, { ...own, boot: '00000000-0000-0000-0000-000000000000', token: TOKEN })
    expect(tryLock(rebooted)).toBeUndefined()
  },
)

test('a lock without readable content is taken over once it cannot be one that is being written', () => {
  const hostile = [
    '',
    '{',
    'null',
    '[]',
    { pid: -1, token: TOKEN },
    { pid: 0, token: TOKEN },
    { pid: 2 ** 31, token: TOKEN },
    { pid: Number.MAX_SAFE_INTEGER, token: TOKEN },
    { pid: deadPid(), token: '../../../escape' },
  ]
  for (const content of hostile) {
    const directory = freshDirectory()
    plant(directory, content)
    expect(tryLock(directory)?.code, JSON.stringify(content)).toBe('DATABASE_LOCKED')
    // One from long before or after now is not being written at this moment.
    for (const seconds of [1e9, 1e10]) {
      plant(directory, content)
      utimesSync(join(directory, 'LOCK'), seconds, seconds)
      expect(tryLock(directory), JSON.stringify(content)).toBeUndefined()
      expect(readdirSync(directory)).toEqual([])
    }
  }
})

test('a claim whose claimant died in the middle does not keep the lock', () => {
  const directory = freshDirectory()
  const dead = deadPid()
  plant(directory, { pid: dead, token: TOKEN })
  plant(directory, { pid: dead, token: 'fedcba9876543210' }, `LOCK.${TOKEN}`)
  expect(tryLock(directory)).toBeUndefined()
  expect(readdirSync(directory)).toEqual([])
})

test('a claim whose claimant lives keeps others away from the lock', () => {
  const directory = freshDirectory()
  plant(directory, { pid: deadPid(), token: TOKEN })
  plant(directory, { ...ownContent(), token: 'fedcba9876543210' }, `LOCK.${TOKEN}`)
  expect(tryLock(directory)?.details).toEqual({ path: join(directory, 'LOCK'), pid })
  expect(readdirSync(directory).toSorted()).toEqual(['LOCK', `LOCK.${TOKEN}`])
})

test.skipIf(platform === 'win32')('what is no file under the name of a lock or a claim is refused', () => {
  const linked = freshDirectory()
  plant(linked, { pid: deadPid(), token: TOKEN })
  symlinkSync('nowhere', join(linked, `LOCK.${TOKEN}`))
  expect(tryLock(linked)).toMatchObject({ code: 'IO_FAILED', details: { errno: 'EFTYPE' } })
  const occupied = freshDirectory()
  plant(occupied, { pid: deadPid(), token: TOKEN })
  mkdirSync(join(occupied, `LOCK.${TOKEN}`))
  expect(tryLock(occupied)).toMatchObject({ code: 'IO_FAILED', details: { errno: 'EISDIR' } })
})

test('releasing leaves a lock alone that is no longer ours', () => {
  const directory = freshDirectory()
  const lock = new NodeFiles(directory).lock('LOCK')
  const other = JSON.stringify({ pid, token: TOKEN })
  writeFileSync(join(directory, 'LOCK'), other)
  lock.release()
  expect(readFileSync(join(directory, 'LOCK'), 'utf8')).toBe(other)
})

test.skipIf(platform !== 'linux')('a lock that cannot be written leaves nothing behind', () => {
  const script = `
    import { takeProcessLock } from ${JSON.stringify(pathToFileURL(join(DIST, 'platform/process-lock.js')).href)}
    try {
      takeProcessLock(process.argv[1] + '/LOCK')
    } catch (error) {
      console.log(error.details.errno)
    }`
  const empty = freshDirectory()
  const stale = freshDirectory()
  plant(stale, { pid: deadPid(), token: TOKEN })
  for (const [directory, left] of [
    [empty, []],
    [stale, ['LOCK']],
  ] as const) {
    // No file of this process may have a single byte: as on a disk that is full.
    const argv = [execPath, '--input-type=module', '-e', script, directory]
    const child = spawnSync('sh', ['-c', 'ulimit -f 0; exec "$0" "$@"', ...argv], { encoding: 'utf8' })
    expect(child).toMatchObject({ stdout: 'EFBIG\n', stderr: '', status: 0 })
    expect(readdirSync(directory)).toEqual(left)
  }
})

test('a release that failed can be repeated, and does not keep this process out', () => {
  const directory = freshDirectory()
  const path = join(directory, 'LOCK')
  const lock = new NodeFiles(directory).lock('LOCK')
  const ours = readFileSync(path, 'utf8')
  rmSync(path)
  mkdirSync(path)
  for (let i = 0; i < 2; i++)
    expect(() => lock.release()).toThrow(expect.objectContaining({ code: 'IO_FAILED' }) as Error)
  rmSync(path, { recursive: true })
  writeFileSync(path, ours)
  const next = new NodeFiles(directory).lock('LOCK')
  expect(readFileSync(path, 'utf8')).not.toBe(ours)
  lock.release()
  expect(tryLock(directory)?.code).toBe('DATABASE_LOCKED')
  next.release()
  expect(readdirSync(directory)).toEqual([])
})

test('of many processes that find the same stale lock, one at a time holds it', async () => {
  const compiled = join(scratch, 'compiled')
  const compiler = spawnSync(execPath, [
    'node_modules/typescript/bin/tsc',
    '--ignoreConfig',
    ...'--target es2023 --module nodenext --types node --skipLibCheck true'.split(' '),
    ...'--rewriteRelativeImportExtensions true --rootDir src --outDir'.split(' '),
    compiled,
    'src/platform/process-lock.ts',
  ])
  expect(compiler.status, String(compiler.stdout)).toBe(0)
  writeFileSync(join(compiled, 'package.json'), '{"type":"module"}')
  const directory = freshDirectory()
  const rounds = 200
  for (let round = 0; round < rounds; round++) {
    mkdirSync(join(directory, String(round)))
    plant(join(directory, String(round)), { pid: deadPidOnce(), token: TOKEN })
  }
  // Contenders go through the rounds in step with the clock, so that all meet at each lock. The holder
  // makes a directory, which fails if another holds the lock as well. Odd rounds are not released, so
  // they have one winner; all stay alive until the last contender is through.
  writeFileSync(
    join(compiled, 'contend.js'),
    `import { mkdirSync, rmdirSync } from 'node:fs'
     import { takeProcessLock } from './platform/process-lock.js'
     const [directory, start] = process.argv.slice(2)
     const waitUntil = (time) => { while (performance.timeOrigin + performance.now() < time) ; }
     const won = []
     for (let round = 0; round < ${rounds}; round++) {
       waitUntil(Number(start) + 3 * round)
       const inside = directory + '/' + round + '/inside'
       try {
         const lock = takeProcessLock(directory + '/' + round + '/LOCK')
         mkdirSync(inside)
         won.push(round)
         waitUntil(performance.timeOrigin + performance.now() + 0.3)
         rmdirSync(inside)
         if (round % 2 === 0) lock.release()
       } catch (error) {
         if (error.code !== 'DATABASE_LOCKED') won.push(error.stack)
       }
     }
     console.log(JSON.stringify(won))
     process.stdin.resume()`,
  )
  const start = String(performance.timeOrigin + performance.now() + 600)
  const contenders = Array.from({ length: 2 }, () => {
    return spawn(execPath, [join(compiled, 'contend.js'), directory, start], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  })
  const outputs = await Promise.all(contenders.map((child) => once(child.stdout, 'data')))
  for (const child of contenders) child.stdin.end()
  const won = outputs.flatMap((output) => JSON.parse(String(output[0])) as (number | string)[])
  expect(won.filter((round) => typeof round === 'string')).toEqual([])
  const winnersOf = (round: number): number => won.filter((other) => other === round).length
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) expect(winnersOf(round)).toBeGreaterThanOrEqual(1)
    else expect(winnersOf(round)).toBe(1)
  }
})

let knownDead: number | undefined
function deadPidOnce(): number {
  return (knownDead ??= deadPid())
}
