/**
 * Forged JSON: the edits of a manifest and the rows of a catalog with one field changed, so that the
 * text stays JSON and mostly keeps its shape.
 */
import { type Random, pick } from '../../simulator/random.ts'

const NUMBERS: readonly number[] = [
  ...[0, 1, 2, 6, 7, -1, 0.5, 1e308, -0],
  ...[2 ** 24, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53 - 1, 2 ** 53],
]
const TEXTS: readonly string[] = [
  ...['', '0', 'x', 'zz', '6', '__proto__', 'constructor', '../../x'],
  ...['0.0000', '0.0001', '1.4095', '1.4096', '4503599627370495.4095', '4503599627370496.0000', '-1.0000'],
]
const VALUES: readonly unknown[] = [null, true, {}, [], ...NUMBERS, ...TEXTS]
const NAMES: readonly string[] = ['__proto__', 'toString', 'extra']

interface Place {
  readonly holder: Record<string, unknown> | unknown[]
  readonly name: string
}

/**
 * The text of a JSON value with one change, drawn: a value, a name, or what stands in a list. A text that is no
 * JSON stays as it is.
 */
export function forgeJson(random: Random, text: string): string {
  const root = { value: undefined as unknown }
  try {
    root.value = JSON.parse(text)
  } catch {
    return text
  }
  const { holder, name } = pick(random, placesIn(root))
  const value = (holder as Record<string, unknown>)[name]
  const put = (other: unknown) => {
    Object.defineProperty(holder, name, {
      value: other,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  if (Array.isArray(holder)) changeList(random, holder, Number(name))
  else if (random.below(8) === 0 && holder !== root) delete holder[name]
  else if (random.below(8) === 0 && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const extra = { value: pick(random, VALUES), enumerable: true, configurable: true, writable: true }
    Object.defineProperty(value, pick(random, NAMES), extra)
  } else if (typeof value === 'number') put(pick(random, [...NUMBERS, value - 1, value + 1, -value]))
  else if (typeof value === 'string') put(pick(random, [...TEXTS, `${value}0`, value.substring(1)]))
  else put(pick(random, VALUES))
  return JSON.stringify(root.value) ?? 'null'
}

function changeList(random: Random, list: unknown[], at: number): void {
  const other = random.below(list.length)
  const before = list[at]
  switch (random.below(4)) {
    case 0:
      list.splice(at, 1)
      return
    case 1:
      list.splice(other, 0, before)
      return
    case 2:
      list[at] = list[other]
      list[other] = before
      return
    default:
      list[at] = pick(random, VALUES)
  }
}

function placesIn(holder: Record<string, unknown> | unknown[]): Place[] {
  return Object.entries(holder).flatMap(([name, value]) => [
    { holder, name },
    ...(typeof value === 'object' && value !== null
      ? placesIn(value as Record<string, unknown> | unknown[])
      : []),
  ])
}
