/**
 * The rules of the house, kept by this test. Each rule is first tried on a file that breaks it.
 */
import { describe, expect, test } from 'vitest'
import { HOUSE_RULES } from './house/rules.ts'
import { codeOf, filesBelow, importsOf } from './house/source.ts'

// The rules themselves name what they forbid.
const files = [...filesBelow('src', '.ts'), ...filesBelow('test', '.ts')].filter(
  ({ path }) => path !== 'test/house/rules.ts' && path !== 'test/house.test.ts',
)

test('there are files to check', () => {
  expect(files.filter(({ path }) => path.startsWith('src/')).length).toBeGreaterThan(50)
})

describe.each(HOUSE_RULES)('$rule', ({ faults, plant }) => {
  test('in this project', () => {
    expect(faults(files)).toEqual([])
  })

  test('and a file that breaks it is found', () => {
    expect(faults(plant)).toHaveLength(1)
    expect(faults([...files, ...plant])).toEqual([...faults(files), ...faults(plant)])
  })
})

describe('what is code', () => {
  test.each([
    ['a // Date.now()', 'a              '],
    ['a /* Date.now()\n */ b', 'a              \n    b'],
    [`'it\\'s' + "x"`, `'     ' + " "`],
    ['`a ${b + `c ${d}`} e` + f', '`  ${b + `  ${d}`}  ` + f'],
    ['a / b / c', 'a / b / c'],
    [`x.replace(/['"]/g, y)`, `x.replace(       , y)`],
    ['`${{ a: 1 }.a}` + b', '`${{ a: 1 }.a}` + b'],
  ])('in %s', (text, code) => {
    expect(codeOf(text)).toBe(code)
  })

  test('imports are found over several lines, as types, dynamic and bare, and not in strings', () => {
    const text = [
      "import { a,\n  type b } from './one.ts'",
      "import './two.ts'",
      "export * from './three.ts'",
      "const four = await import('./four.ts')",
      'const text = "import x from \'./five.ts\'"',
      "// import './six.ts'",
    ].join('\n')
    expect(importsOf({ path: 'src/base/a.ts', text })).toEqual([
      './one.ts',
      './two.ts',
      './three.ts',
      './four.ts',
    ])
  })
})
