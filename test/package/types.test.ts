/**
 * The types of the package as it is built: whoever writes declarations of their own can name whatever it shows them.
 * Without that, the compiler refuses an exported function that hands on what a call answers.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../house/source.ts'
import { Declarations } from './declarations.ts'

const ENTRIES = ['index.d.ts', 'level.d.ts', 'simulator.d.ts', 'testing.d.ts']

/** What no user gets to see. */
const NOT_FOR_USERS = [
  // The explanations of a handle leave out the row of its table, and the version as a store has it.
  ...['ExplainedRead shows TableRow', 'ExplainedRead shows Version'],
  ...['ExplainedVersion shows TableRow', 'ExplainedVersion shows Version'],
  // The types by which classes of abstract-level are extended.
  ...['OwnedSnapshot shows SnapshotConstructor', 'TimedAbstractLevel shows TimedConstructor'],
  // What the engine's own worker is begun with: a world of one's own leaves it out.
  ...['World shows Birth', 'World shows StartRunner'],
]

const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-types-'))
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true })
})

/** What the entries of a directory show and do not export, as sentences. */
function unnamed(root: string, entries: readonly string[]): readonly string[] {
  const declarations = new Declarations(root)
  const exported = new Set(entries.flatMap((entry) => declarations.exportsOf(entry)))
  const seen = new Set<string>()
  const look = (place: string): readonly string[] => {
    if (seen.has(place)) return []
    seen.add(place)
    const { name, shown, unfolded } = declarations.at(place)
    const faults = [...shown].flatMap(([other, word]) => (exported.has(other) ? [] : `${name} shows ${word}`))
    return [...faults, ...unfolded.flatMap(look)]
  }
  return [...exported].flatMap(look)
}

test('every type that an entry shows is exported by one', () => {
  expect(unnamed(join(ROOT, 'dist'), ENTRIES).toSorted()).toEqual(NOT_FOR_USERS)
})

test('a type that an entry shows and does not export is found, behind a base too', () => {
  const root = join(scratch, 'planted')
  mkdirSync(root)
  writeFileSync(join(root, 'index.d.ts'), "export { type A, type F } from './a.ts';\n")
  writeFileSync(
    join(root, 'a.d.ts'),
    [
      "import { type B as Other, type C } from './b.ts';",
      'interface Base<T> {\n    readonly c: C;\n}',
      'export interface A<T extends D> extends Base<E>, Omit<Other, "a"> {\n    /** Not F. */\n    next(): A;\n}',
      'export type F = A | G;',
      'type D = 1;',
      'type E = 2;',
      'type G = 3;\n',
    ].join('\n'),
  )
  writeFileSync(join(root, 'b.d.ts'), 'export type B = H;\nexport type C = 4;\ntype H = 5;\n')
  expect(unnamed(root, ['index.d.ts']).toSorted()).toEqual([
    'A shows D',
    'A shows E',
    'B shows H',
    'Base shows C',
    'F shows G',
  ])
})

/** Functions of a user without annotations: their types are what the compiler finds. */
const USERS = `
import { type Database, type DatabaseStats, type DatabaseView, type Hold, type OpenOptions, type ReadExplanation } from 'palimpsest'
import { type StoreEvent, type Table, type TableOptions, type VersionExplanation, ReplayClock, openDatabase } from 'palimpsest'
import { PalimpsestLevel } from 'palimpsest/level'
import { type FaultPlan, FaultFiles, seededRandom } from 'palimpsest/simulator'
import { ReferenceStore, anyPlan, checkCrashes, checkScript, conformance, conformanceCases } from 'palimpsest/testing'

export const check = (db: Database) => db.check()
export const stats = (db: Database) => db.stats()
export const cache = ({ cache }: DatabaseStats) => cache
export const reads = ({ reads }: DatabaseStats) => reads
export const stalls = ({ stalls }: DatabaseStats) => stalls
export const totals = ({ catalog }: DatabaseStats) => catalog.totals
export const keep = ({ catalog }: DatabaseStats) => catalog.keep
export const world = (...[it]: Parameters<typeof openDatabase>) => ({ clock: it.clock, files: it.files, it })
export const sizes = ({ sizes }: OpenOptions) => sizes
export const geometry = ({ geometry }: OpenOptions) => geometry
export const kinds = ({ keys, values }: TableOptions) => ({ keys, values })
export const retain = (db: Database) => db.setRetention
export const holds = (db: Database) => [db.holds(), db.holdUsage(), db.hold] as const
export const files = (db: Database) => [db.files('a.b'), db.versions('a.b'), db.readable('a.b')] as const
export const plans = (db: Database) => [db.planRestore, db.hiddenByUndo('r'), db.restores()] as const
export const view = (past: DatabaseView) => past.table('a.b')
export const batch = (table: Table) => table.batch
export const scan = (table: Table) => [table.scan(), table.history('a'), table.diff] as const
export const why = (table: Table) => [table.explainRead('a'), table.explainVersion('a', 'now')] as const
export const generations = ({ generations, keepers }: VersionExplanation) => ({ generations, keepers })
export const generation = ({ generation, steps, view }: ReadExplanation) => ({ generation, steps, view })
export const times = ({ times }: Hold) => times
export const merged = (event: StoreEvent) => (event.kind === 'compaction' ? event : undefined)
export const scores = (event: StoreEvent) => (event.kind === 'compaction' ? [event.scores, event.picks] : [])
export const others = (event: StoreEvent) => (event.kind === 'compaction' ? undefined : event)
export const replay = () => new ReplayClock({ micros: 1 })
export const level = () => new PalimpsestLevel('./x', { background: 'inline', clock: replay() })
export const table = (of: PalimpsestLevel) => of.table
export const past = (of: PalimpsestLevel) => [of.snapshot(), of.history('a'), of.restore('now')] as const
export const below = (of: PalimpsestLevel) => of.sublevel('x')
export const script = () => checkScript('').mismatches
export const steps = () => checkScript('').paragraphs
export const cases = () => conformanceCases({ open: () => new ReferenceStore() })
export const suite = () => conformance({ open: () => new ReferenceStore() })
export const runs = () => [anyPlan(), checkCrashes({ seed: 1, operations: 1, drawn: 1, singlesMax: 1 })] as const
export const disk = () => [new FaultFiles().facts('x'), seededRandom(1)] as const
export const faults = (plan: FaultPlan) => plan.map((fault) => (fault.kind === 'lie' ? fault : undefined))
`

test('what calls answer can be handed on by functions whose declarations are written out', () => {
  const user = userOfPackage()
  writeFileSync(join(user, 'user.ts'), USERS)
  const compilerOptions = {
    ...{ target: 'es2022', module: 'nodenext', strict: true, declaration: true, types: ['node'] },
    // What the package itself declares is compiled with it.
    ...{ skipLibCheck: false, outDir: 'out' },
  }
  writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['user.ts'] }))
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { stdout, status } = spawnSync(process.execPath, [compiler, '-p', user, '--pretty', 'false'], {
    encoding: 'utf8',
  })
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
  expect(readFileSync(join(user, 'out/user.d.ts'), 'utf8')).toContain('TabletCheck')
})

/**
 * The directory of somebody who has installed the package: a copy, not a link, for what lies beyond a link is no package
 * to the compiler, which then names its files by their paths.
 */
function userOfPackage(): string {
  const user = join(scratch, 'user')
  const modules = join(user, 'node_modules')
  cpSync(join(ROOT, 'dist'), join(modules, 'palimpsest/dist'), {
    recursive: true,
    filter: (path) => !/\.(?:js|map)$/.test(path),
  })
  cpSync(join(ROOT, 'package.json'), join(modules, 'palimpsest/package.json'))
  writeFileSync(join(user, 'package.json'), JSON.stringify({ type: 'module' }))
  for (const name of ['@types', 'abstract-level', 'fast-check'])
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'dir')
  return user
}
