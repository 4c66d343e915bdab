/** Keys, texts, bytes and documents: what goes in comes back, and what would not is refused. */
import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ByteSpan, ByteCopies } from '../../src/base/bytes.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import {
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
  decodeKey,
  decodeKeySpan,
  decodeValue,
  decodeValueSpan,
  encodeKey,
  viewValue,
} from '../../src/table/codec.ts'
import { holds } from '../time/property.ts'
import { refusal } from '../storage/samples.ts'

const LONE_SURROGATES = ['\ud800', 'a\udfff', '\udc00\ud800', 'x\ud83dx']
const NO_TEXTS: readonly unknown[] = [
  undefined,
  null,
  5,
  5n,
  true,
  new Uint8Array(1),
  Buffer.from('x'),
  ['a'],
  {},
  Symbol('s'),
  () => 'a',
  new String('a'),
]
const NO_BYTES: readonly unknown[] = [
  undefined,
  null,
  5,
  'text',
  [1, 2],
  new Uint16Array(1),
  new ArrayBuffer(2),
  new DataView(new ArrayBuffer(2)),
  { length: 1, 0: 1 },
]

function codeOf(action: () => unknown): string | undefined {
  return refusal(action)?.code
}

/** Bytes as they stand in the memory of the engine: among others, with a beginning that is not that of the memory. */
function among(bytes: Uint8Array): ByteSpan {
  const memory = new Uint8Array(bytes.length + 7).fill(0xff)
  memory.set(bytes, 4)
  return { view: new DataView(memory.buffer, 1), from: 3, to: 3 + bytes.length }
}

/** Texts of some dozen characters, most of them of ASCII alone. */
const shortText = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

describe('keys', () => {
  test('of text are UTF-8 and come back', () => {
    holds(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        expect(Buffer.from(encodeKey(key, 'text')).toString('utf8')).toBe(key)
        expect(decodeKey(encodeKey(key, 'text'), 'text')).toBe(key)
      }),
    )
  })

  test('of text and of bytes are read where they stand among others', () => {
    const copies = new ByteCopies()
    holds(
      fc.property(shortText, (key) => {
        const bytes = encodeKey(key, 'text')
        expect(decodeKeySpan(among(bytes), 'text', copies)).toBe(key)
        expect(decodeKeySpan(among(bytes), 'bytes', copies)).toEqual(bytes)
      }),
    )
  })

  test('of bytes that are no text are damage, however short', () => {
    const wrong = [[0xff], [0x61, 0x80], [0xc3], [...Buffer.from('a'.repeat(30)), 0xe4]]
    for (const bytes of wrong.map((list) => Uint8Array.from(list))) {
      expect(codeOf(() => decodeKey(bytes, 'text'))).toBe('TABLE_CORRUPT')
      expect(codeOf(() => decodeKeySpan(among(bytes), 'text', new ByteCopies()))).toBe('TABLE_CORRUPT')
      expect(codeOf(() => decodeValueSpan(among(bytes), 'text', new ByteCopies()))).toBe('TABLE_CORRUPT')
    }
  })

  test('of bytes are copies on the way in and on the way out, never Buffers', () => {
    for (const original of [Uint8Array.of(1, 2), Buffer.from([1, 2])]) {
      const encoded = encodeKey(original, 'bytes')
      const decoded = decodeKey(encoded, 'bytes') as Uint8Array
      original[0] = 9
      expect([[...encoded], [...decoded]]).toEqual([
        [1, 2],
        [1, 2],
      ])
      encoded[1] = 9
      expect([...decoded]).toEqual([1, 2])
      expect(
        [encoded, decoded].map((bytes) => Object.getPrototypeOf(bytes) === Uint8Array.prototype),
      ).toEqual([true, true])
    }
  })

  test('of the wrong type, or with half of a surrogate pair, are refused', () => {
    for (const wrong of NO_TEXTS) expect(codeOf(() => encodeKey(wrong, 'text'))).toBe('INVALID_KEY')
    for (const wrong of NO_BYTES) expect(codeOf(() => encodeKey(wrong, 'bytes'))).toBe('INVALID_KEY')
    for (const wrong of LONE_SURROGATES) expect(codeOf(() => encodeKey(wrong, 'text'))).toBe('INVALID_KEY')
  })

  test('are of any length up to the limit, in bytes', () => {
    expect(KEY_BYTES_MAX).toBe(65_535)
    expect(encodeKey('', 'text').length).toBe(0)
    expect(encodeKey(new Uint8Array(KEY_BYTES_MAX), 'bytes').length).toBe(KEY_BYTES_MAX)
    expect(encodeKey('a'.repeat(KEY_BYTES_MAX), 'text').length).toBe(KEY_BYTES_MAX)
    const error = refusal(() => encodeKey('ä'.repeat(32_768), 'text'))
    expect(error).toMatchObject({ code: 'TOO_LARGE', details: { bytes: 65_536, max: KEY_BYTES_MAX } })
    expect(codeOf(() => encodeKey(new Uint8Array(KEY_BYTES_MAX + 1), 'bytes'))).toBe('TOO_LARGE')
  })
})

describe('values of text and of bytes', () => {
  test('come back', () => {
    holds(
      fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (text, bytes) => {
        expect(decodeValue(viewValue(text, 'text'), 'text')).toBe(text)
        expect(decodeValue(viewValue(bytes, 'bytes'), 'bytes')).toEqual(bytes)
      }),
    )
  })

  test('are read where they stand among others', () => {
    const copies = new ByteCopies()
    holds(
      fc.property(shortText, (text) => {
        const bytes = viewValue(text, 'text')
        expect(decodeValueSpan(among(bytes), 'text', copies)).toBe(text)
        expect(decodeValueSpan(among(bytes), 'bytes', copies)).toEqual(bytes)
        const document = among(viewValue([text], 'document'))
        expect(decodeValueSpan(document, 'document', copies)).toEqual([text])
      }),
    )
  })

  test('of bytes are copies on the way out, never Buffers', () => {
    const encoded = viewValue(Buffer.from([1, 2]), 'bytes')
    const decoded = decodeValue(encoded, 'bytes') as Uint8Array
    encoded[1] = 9
    expect([...decoded]).toEqual([1, 2])
    expect(Object.getPrototypeOf(decoded)).toBe(Uint8Array.prototype)
  })

  test('of the wrong type, or with half of a surrogate pair, are refused', () => {
    for (const wrong of NO_TEXTS) expect(codeOf(() => viewValue(wrong, 'text'))).toBe('INVALID_VALUE')
    for (const wrong of NO_BYTES) expect(codeOf(() => viewValue(wrong, 'bytes'))).toBe('INVALID_VALUE')
    for (const wrong of LONE_SURROGATES) expect(codeOf(() => viewValue(wrong, 'text'))).toBe('INVALID_VALUE')
  })

  test('are of any length up to the limit', () => {
    expect(VALUE_BYTES_MAX).toBe(128 * 1024 * 1024)
    const beyond = new Uint8Array(VALUE_BYTES_MAX + 1)
    expect(codeOf(() => viewValue(beyond, 'bytes'))).toBe('TOO_LARGE')
    expect(viewValue(beyond.subarray(1), 'bytes').length).toBe(VALUE_BYTES_MAX)
  })
})

/** The numbers where encodings change their form. */
const EDGES = [
  0,
  1,
  -1,
  0x1f,
  0x20,
  0x7f,
  0x80,
  0xff,
  0x100,
  0xffff,
  0x10000,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  2 ** 64,
]
const NUMBERS = [
  ...EDGES,
  ...EDGES.map((edge) => -edge || 0),
  0.1,
  1.5,
  5e-324,
  1.7976931348623157e308,
  NaN,
  Infinity,
  -Infinity,
]
const BIGINTS = [
  0n,
  1n,
  -1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  -(2n ** 63n),
]
/** Names that mean something to JavaScript, and lengths at which encodings change. */
const NAMES = [
  '',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'toJSON',
  'length',
  'then',
  'prototype',
  '__proto',
  '__proto_',
  '0',
  '-1',
  'ä',
  '\u{1f600}',
  'x'.repeat(31),
  'x'.repeat(32),
  'x'.repeat(256),
]

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, true, false, '', ...NUMBERS, ...BIGINTS),
  fc.double().map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.string({ unit: 'binary' }),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 300 }),
)
const { document } = fc.letrec<{ document: unknown }>((tie) => ({
  document: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    { weight: 3, arbitrary: leaf },
    { weight: 1, arbitrary: fc.array(tie('document'), { maxLength: 20 }) },
    {
      weight: 2,
      arbitrary: fc.dictionary(
        fc.oneof(
          fc.constantFrom(...NAMES),
          fc.string({ unit: 'binary' }).filter((name) => name !== '__proto__'),
        ),
        tie('document'),
        { maxKeys: 20 },
      ),
    },
  ),
}))

const through = (value: unknown): unknown => decodeValue(viewValue(value, 'document'), 'document')

/** Every value inside of a document, itself included. */
function* partsOf(value: unknown): Generator {
  yield value
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
  for (const part of Object.values(value)) yield* partsOf(part)
}

describe('a document', () => {
  test('comes back as it was, to the type of each part, the order of its fields included', () => {
    holds(
      fc.property(
        document.filter((value) => value !== undefined),
        (value) => {
          const back = through(value)
          deepStrictEqual(back, withPrototypes(value))
          const order = (some: unknown) =>
            Array.from(partsOf(some), (part) =>
              typeof part === 'object' && part !== null ? Object.keys(part).join() : '',
            )
          expect(order(back)).toEqual(order(value))
        },
      ),
      100,
    )
  })

  /** fast-check makes some objects without a prototype; what comes back has the usual one. */
  function withPrototypes(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
      return value
    if (Array.isArray(value)) return value.map(withPrototypes)
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withPrototypes(part)]))
  }

  test.each(NUMBERS)('keeps the number %d', (value) => {
    expect(through([value, { value }])).toStrictEqual([value, { value }])
  })

  test.each(BIGINTS)('keeps the 64-bit integer %d, and that it is one', (value) => {
    expect(through([value, { value }])).toStrictEqual([value, { value }])
  })

  test('loses the sign of −0, as JSON does', () => {
    expect(Object.is(through(-0), 0)).toBe(true)
  })

  test('makes a hole undefined, and gives an object the usual prototype', () => {
    expect(through(Array(2))).toStrictEqual([undefined, undefined])
    expect(through(Object.assign(Object.create(null), { a: 1 }))).toStrictEqual({ a: 1 })
  })

  test('leaves out what a long array has beside its items', () => {
    const items = Array.from({ length: 17 }, (_, i) => i)
    expect(through(Object.assign([...items], { x: 1 }))).toStrictEqual(items)
  })

  test.each([0, 1, -1, 999, 1e12, -1e12, 2 ** 32 * 1000, 2 ** 34 * 1000, 8.64e15, -8.64e15])(
    'keeps the date %d',
    (millis) => {
      expect(through({ at: new Date(millis) })).toStrictEqual({ at: new Date(millis) })
    },
  )

  test('keeps fields that are undefined, apart from fields that are not there', () => {
    expect(Object.keys(through({ a: undefined }) as object)).toEqual(['a'])
    expect(through([undefined, null])).toStrictEqual([undefined, null])
  })

  test.each(NAMES)('keeps a field called %j, whatever its value', (name) => {
    for (const value of [
      1,
      'x',
      null,
      {},
      [],
      { [name]: { toJSON: 1 } },
      { toJSON: 'x', constructor: null },
    ]) {
      for (const given of [{ [name]: value }, { toJSON: 1, constructor: 'x', [name]: value }])
        deepStrictEqual(through(given), given)
    }
  })

  test('gives bytes of their own, as plain Uint8Arrays, at any depth', () => {
    const given = { a: Buffer.from([1, 2]), list: [new Uint8Array([3]), [{ b: Uint8Array.of(4) }]] }
    const encoded = viewValue(given, 'document')
    const back = decodeValue(encoded, 'document')
    encoded.fill(0)
    expect(back).toStrictEqual({
      a: Uint8Array.of(1, 2),
      list: [Uint8Array.of(3), [{ b: Uint8Array.of(4) }]],
    })
    for (const part of partsOf(back)) {
      if (!(part instanceof Uint8Array)) continue
      expect(Object.getPrototypeOf(part)).toBe(Uint8Array.prototype)
      expect(part.buffer.byteLength).toBe(part.length)
    }
    expect(through(Buffer.from([7]))).toStrictEqual(Uint8Array.of(7))
  })

  test('stays as it is while others are read, small and large', () => {
    const sizes = [0, 10, 4000, 4089, 4090, 4091, 4096, 10_000]
    // msgpackr writes bytes of either class in another form.
    const given = (make: (bytes: Uint8Array) => Uint8Array, byte: number, size: number) => ({
      bytes: make(new Uint8Array(size).fill(byte)),
      list: [make(Uint8Array.of(byte)), [make(Uint8Array.of(byte))], { text: 'text '.repeat(byte) }],
    })
    for (const make of [(bytes: Uint8Array) => Buffer.from(bytes), (bytes: Uint8Array) => bytes]) {
      const read = sizes.map((size) => through(given(make, 1, size)))
      for (const size of sizes) through(given(make, 2, size))
      expect(read).toStrictEqual(sizes.map((size) => given((bytes) => bytes, 1, size)))
    }
  })

  test('that ends too early is damage, whatever was read before it', () => {
    const whole = viewValue({ name: 'a name', list: [1, 2, Uint8Array.of(3)], when: new Date(0) }, 'document')
    for (let length = 0; length < whole.length; length++) {
      expect(decodeValue(whole, 'document')).toBeTypeOf('object')
      expect(codeOf(() => decodeValue(whole.subarray(0, length), 'document'))).toBe('TABLE_CORRUPT')
    }
  })

  test('has none of what somebody gave all objects', () => {
    const everywhere = Object.prototype as { given?: unknown }
    everywhere.given = { a: 1 }
    try {
      const back = through({ b: { c: 1 } }) as { b: object }
      expect([Object.keys(back), Object.keys(back.b)]).toEqual([['b'], ['c']])
    } finally {
      delete everywhere.given
    }
  })

  test('does not depend on what was packed before it', () => {
    holds(
      fc.property(document, document, (first, second) => {
        fc.pre(first !== undefined && second !== undefined)
        const alone = viewValue(second, 'document')
        viewValue(first, 'document')
        expect(Buffer.compare(viewValue(second, 'document'), alone)).toBe(0)
      }),
    )
  })

  test('may be 200 levels deep, and have a hundred thousand fields', () => {
    let deep: unknown = 'bottom'
    for (let level = 0; level < 200; level++) deep = level % 2 === 0 ? [deep] : { deep }
    expect(through(deep)).toStrictEqual(deep)
    expect(codeOf(() => viewValue([deep], 'document'))).toBe('INVALID_VALUE')
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`field ${i}`, i]))
    expect(Object.keys(through(wide) as object).length).toBe(100_000)
    expect((through(Object.values(wide)) as unknown[]).length).toBe(100_000)
  })

  test('in the same object twice is two documents', () => {
    const part = { n: 1 }
    const back = through([part, part]) as { n: number }[]
    expect(back).toStrictEqual([{ n: 1 }, { n: 1 }])
    expect(back[0]).not.toBe(back[1])
  })
})

describe('what would not come back is refused', () => {
  class Point {
    readonly x = 1
  }
  const cyclicObject: Record<string, unknown> = {}
  cyclicObject['self'] = { deeper: [cyclicObject] }
  const cyclicList: unknown[] = []
  cyclicList.push(cyclicList, cyclicList)

  test.each<[string, unknown]>([
    ['a map', new Map([[1, 2]])],
    ['a set', new Set([1])],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an instance of a class', new Point()],
    ['an error', new Error('x')],
    ['a regular expression', /x/],
    ['a boxed string', new String('x')],
    ['other typed arrays', new Float32Array(2)],
    ['a buffer without a view', new ArrayBuffer(2)],
    ['a promise', Promise.resolve(1)],
    ['a proxy of a map', new Proxy(new Map(), {})],
    ['an object that inherits', Object.create({ inherited: 1 })],
    ['a field called __proto__', JSON.parse('{"__proto__":{"a":1}}')],
    ['an integer above 64 bits', 2n ** 64n],
    ['an integer below 64 bits', -(2n ** 63n) - 1n],
    ['a date that is none', new Date(NaN)],
    ['a cycle through objects', cyclicObject],
    ['a cycle through lists, which doubles at every level', cyclicList],
    ['a method', { toJSON: () => 1 }],
    ['a field whose name is a symbol', { a: 1, [Symbol('s')]: 2 }],
    ['a list with a property of its own', Object.assign([1], { x: 2 })],
    ['a list of holes with one', Object.assign(Array(3), { '01': 2 })],
    ['what a match of a text is', 'abc'.match(/b/)],
    ...LONE_SURROGATES.map((text): [string, unknown] => ['half of a surrogate pair', text]),
    ...LONE_SURROGATES.map((name): [string, unknown] => [
      'half of a surrogate pair in a name',
      { [name]: 1 },
    ]),
  ])('%s', (_, wrong) => {
    for (const value of [wrong, [wrong], { field: [1, { wrong }] }]) {
      const error = refusal(() => viewValue(value, 'document'))
      expect(error).toBeInstanceOf(PalimpsestError)
      expect(error?.code).toBe('INVALID_VALUE')
    }
  })

  test('and told where in the document it is', () => {
    const nobody = () => 1
    const deep = Array.from({ length: 12 }).reduce<unknown>((inner) => ({ a: inner }), nobody)
    const cases: readonly (readonly [unknown, string, readonly (string | number)[]])[] = [
      [nobody, 'a function', []],
      [{ first: 1, tags: ['x', { f: nobody }] }, 'a function: at tags[1].f', ['tags', 1, 'f']],
      [[[], [nobody]], 'a function: at [1][0]', [1, 0]],
      [{ 'two words': { '': nobody } }, 'a function: at ["two words"][""]', ['two words', '']],
      [{ a: JSON.parse('{"__proto__":1}') }, 'a field called __proto__: at a', ['a']],
      [{ ['n'.repeat(50)]: nobody }, `a function: at ["${'n'.repeat(40)}…"]`, ['n'.repeat(50)]],
      [deep, `a function: at a${'.a'.repeat(7)}…`, Array.from({ length: 12 }, () => 'a')],
    ]
    for (const [value, told, path] of cases) {
      const error = refusal(() => viewValue(value, 'document'))
      expect(error).toMatchObject({ message: `a document cannot hold ${told}`, details: { path } })
    }
  })

  test('undefined itself, though not in a field', () => {
    expect(codeOf(() => viewValue(undefined, 'document'))).toBe('INVALID_VALUE')
  })

  test('a list a hundred thousand levels deep, without a stack overflow', () => {
    let deep: unknown = []
    for (let level = 0; level < 100_000; level++) deep = [deep]
    expect(codeOf(() => viewValue(deep, 'document'))).toBe('INVALID_VALUE')
  })

  test('and the next document is not harmed by it', () => {
    codeOf(() => viewValue({ a: [1, new Map()] }, 'document'))
    expect(through({ a: [1, 2] })).toStrictEqual({ a: [1, 2] })
  })

  test('prototypes are as they were', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })
})
