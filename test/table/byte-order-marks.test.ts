/**
 * Texts of documents keep the byte order mark that they begin with, whether msgpackr has its native part or not.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as fc from 'fast-check'
import { pack, unpack } from 'msgpackr'
import { expect, test } from 'vitest'
import { withMarksTwice } from '../../src/table/byte-order-marks.ts'
import { holds } from '../time/property.ts'

const text = fc
  .tuple(
    fc.constantFrom('', '\ufeff', 'x\ufeff'),
    fc.constantFrom(0, 5, 40, 61, 62, 64, 65, 300, 70_000),
    fc.string(),
  )
  .map(([begin, length, end]) => `${begin}${'y'.repeat(length)}${end.toWellFormed()}`)
const { document } = fc.letrec((tie) => ({
  document: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.oneof(
      fc.integer(),
      fc.double(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from([0xef, 0xbb, 0xbf, ...bytes])),
    // Of each length that a date is stored in: whole seconds, milliseconds, far away.
    fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((seconds) => new Date(1000 * seconds)),
    fc.integer({ min: 0, max: 2 ** 42 }).map((millis) => new Date(millis)),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('document'), { maxLength: 20 }),
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      tie('document'),
      { maxKeys: 20 },
    ),
  ),
}))

/** The same with one mark more at the beginning of each text that a reader without a native part takes one from. */
function marked(value: unknown): unknown {
  if (typeof value === 'string')
    return value.startsWith('\ufeff') && Buffer.byteLength(value) > 64 ? `\ufeff${value}` : value
  if (Array.isArray(value)) return value.map(marked)
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
    return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [marked(name), marked(item)]))
}

test('long texts that begin with a mark get another one, and nothing else changes', () => {
  holds(
    fc.property(document, (given) => {
      // Behind whatever it is, the next text has to be found.
      const value = [given, `\ufeff${'z'.repeat(100)}`]
      expect(unpack(Buffer.from(withMarksTwice(pack(value))))).toEqual(unpack(pack(marked(value))))
    }),
    300,
  )
})

test('without the native part of msgpackr a document comes back as it went in', () => {
  const { href } = pathToFileURL(join(import.meta.dirname, '../../dist/index.js'))
  const script = `
    import { deepStrictEqual } from 'node:assert'
    import { isNativeAccelerationEnabled } from 'msgpackr'
    import { open } from ${JSON.stringify(href)}
    deepStrictEqual(isNativeAccelerationEnabled, false)
    const db = open({ memory: true })
    db.createKeyspace('k')
    const table = db.createTable('k.t')
    for (const length of [0, 10, 61, 62, 65, 300, 70000]) {
      const value = { text: '\\ufeff' + 'x'.repeat(length), ['\\ufeff' + 'n'.repeat(length)]: ['\\ufeff\\ufeff' + 'é'.repeat(length)] }
      table.put('a', value)
      deepStrictEqual(table.get('a'), value)
    }`
  const env = { ...process.env, MSGPACKR_NATIVE_ACCELERATION_DISABLED: 'true' }
  const cwd = join(import.meta.dirname, '../..')
  const argv = ['--input-type=module', '-e', script]
  const { status, stderr } = spawnSync(process.execPath, argv, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 30_000,
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
