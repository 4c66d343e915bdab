/**
 * The model of a database in words: what to look at when something is wrong.
 */
import { type Model } from './model.ts'

/** Of each table what is promised, what happened to it, and its versions by key and time; then the clock. */
export function describeModel(model: Model): string {
  const { wall, retained, used } = model.clock
  const lines = model.tables.flatMap(({ number }) => linesOf(model, number))
  return [...lines, `wall ${wall}  retention's now ${retained}  used ${exact(used)}`].join('\n')
}

function linesOf(model: Model, table: number): readonly string[] {
  const { created } = model.tables[table]!
  const name = model.nameOf(table) ?? `(dropped ${table})`
  const promised = `keep ${model.keepOf(table)}  readable from ${exact(model.windowOf(table))}`
  return [
    `${name}  created ${exact(created)}  ${promised}`,
    ...model.heldOf(table).map(({ first, last }) => `  held ${exact(first)} … ${exact(last)}`),
    ...changeLines(model, table),
    ...model.keysOf(table).map((key) => `  ${JSON.stringify(key)}  ${versionTexts(model, table, key)}`),
  ]
}

function changeLines(model: Model, table: number): readonly string[] {
  const changes = model.changes.filter((change) => change.table === table)
  return changes.map(({ time, cause, name, rows }) => {
    const asOf = typeof rows === 'string' ? rows : exact(rows.asOf)
    return `  ${exact(time)} ${cause} ${asOf} ${name ?? '✝'}`
  })
}

function versionTexts(model: Model, table: number, key: string): string {
  const versions = model.versions.filter((version) => version.table === table && version.key === key)
  return versions
    .map(({ time, value }) => `${exact(time)}=${value === undefined ? '✝' : short(value)}`)
    .join('  ')
}

function exact(time: bigint): string {
  return `${time / 4096n}.${time % 4096n}`
}

function short(value: string): string {
  return value.length > 12 ? `${value.substring(0, 8)}…(${value.length})` : value
}
