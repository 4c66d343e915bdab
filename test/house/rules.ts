/**
 * The house rules: each says what is wrong in a set of files, and has a plant, a file that breaks it.
 *
 * Layers (the import order; a folder imports only itself and what stands before it, types included):
 *
 *     base → time → storage → history → tablet → catalog → store → table → recovery → flashback → database
 *                                 └─→ platform                    database → level, simulator → testing → lab → cli
 */
import { type SourceFile, codeOf, importsOf, linesWith, resolveImport } from './source.ts'

/** A rule of the house. */
export interface HouseRule {
  /** What holds, as a sentence. */
  readonly rule: string
  /** Every break of it, naming the place. */
  readonly faults: (files: readonly SourceFile[]) => readonly string[]
  /** Files in which it is broken once: the rule has to find it. */
  readonly plant: readonly SourceFile[]
}

const ENGINE = [
  ...['base', 'time', 'storage', 'history', 'tablet', 'catalog', 'store', 'table'],
  ...['recovery', 'flashback', 'database'],
]
const through = (last: string): readonly string[] => ENGINE.slice(0, ENGINE.indexOf(last) + 1)

/** What each folder may import beside itself. */
const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  ...ENGINE.map((folder, i) => [folder, ENGINE.slice(0, i)] as const),
  ['platform', through('history')],
  ['level', ENGINE],
  ['simulator', ENGINE],
  ['testing', [...ENGINE, 'simulator']],
  ['lab', [...ENGINE, 'platform', 'level', 'simulator', 'testing']],
  ['cli', [...ENGINE, 'platform', 'level', 'simulator', 'testing', 'lab']],
])
/** The folders that know Node. All others run in a browser page too. */
const NODE_FOLDERS = new Set(['platform', 'lab', 'cli'])
/** The folders that may ask the machine what time it is, or wait: where the machine is made a clock, and the terminal. */
const CLOCK_FOLDERS = new Set(['platform', 'cli'])

const CLOCKS = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/
const TIMERS = /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|process\.nextTick)\b/
const CHANCE = /\bMath\.random\b/
const DRAWERS = /(?:^|[/.-])(?:utils?|helpers?|misc|common|shared|stuff)(?=[/.-])/
const LINES_MAX = 500

/** The folder of a source file; `undefined` for the composition roots beside the folders. */
function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

function isSource({ path }: SourceFile): boolean {
  return path.startsWith('src/')
}

/** A rule about single files: a complaint, or none. */
function each(
  isMeant: (file: SourceFile) => boolean,
  complaints: (file: SourceFile) => readonly string[],
): HouseRule['faults'] {
  return (files) =>
    files.filter(isMeant).flatMap((file) => complaints(file).map((complaint) => `${file.path}: ${complaint}`))
}

/** A rule that a pattern is not in the code of some files. */
function absent(isMeant: (file: SourceFile) => boolean, pattern: RegExp, why: string): HouseRule['faults'] {
  return each(isMeant, ({ text }) => linesWith(codeOf(text), pattern).map((line) => `line ${line}: ${why}`))
}

const HEADER = '/**\n * A file of a test. It owns nothing.\n */\n'

/** A planted file with a proper header. */
function planted(path: string, code: string): SourceFile {
  return { path, text: `${HEADER}${code}\n` }
}

export const HOUSE_RULES: readonly HouseRule[] = [
  {
    rule: 'a folder of src imports only itself and what stands before it',
    faults: each(isSource, layerFaults),
    plant: [planted('src/storage/a.ts', "import { type Directive } from '../history/garbage.ts'")],
  },
  {
    rule: 'no files import each other in a ring',
    faults: cycles,
    plant: [
      planted('src/time/a.ts', "import './b.ts'"),
      planted('src/time/b.ts', "import './c.ts'"),
      planted('src/time/c.ts', "export * from './a.ts'"),
    ],
  },
  {
    rule: 'only platform, lab and cli import from Node',
    faults: each(
      (file) => isSource(file) && !NODE_FOLDERS.has(folderOf(file.path) ?? ''),
      (file) =>
        importsOf(file)
          .filter((specifier) => specifier.startsWith('node:'))
          .map((specifier) => `imports ${specifier}`),
    ),
    plant: [planted('src/store/a.ts', "import {\n  readFileSync,\n} from 'node:fs'")],
  },
  {
    rule: 'the time comes from a clock that is given',
    faults: absent(
      (file) => isSource(file) && !CLOCK_FOLDERS.has(folderOf(file.path) ?? ''),
      CLOCKS,
      'take the time from a PhysicalClock',
    ),
    plant: [planted('src/lab/a.ts', 'export const at: Date = new Date()')],
  },
  {
    rule: 'nothing waits on a timer outside of platform and cli',
    faults: absent(
      (file) => isSource(file) && !CLOCK_FOLDERS.has(folderOf(file.path) ?? ''),
      TIMERS,
      'the data plane is synchronous',
    ),
    plant: [planted('src/tablet/a.ts', 'setTimeout(() => undefined, 1)')],
  },
  {
    rule: 'chance comes from a seed',
    faults: absent(() => true, CHANCE, 'take chance from a seeded generator'),
    plant: [planted('test/a.test.ts', 'export const chance = Math.random()')],
  },
  {
    rule: 'the engine knows no Buffer',
    faults: absent(
      (file) => isSource(file) && !NODE_FOLDERS.has(folderOf(file.path) ?? ''),
      /\bBuffer\b/,
      'bytes are plain Uint8Arrays',
    ),
    plant: [planted('src/table/a.ts', 'export const bytes = Buffer.from([1])')],
  },
  {
    rule: 'where the engine handles bytes, nothing is sliced',
    faults: absent(
      ({ path, text }) => ENGINE.includes(folderOf(path) ?? '') && /\bUint8Array\b/.test(codeOf(text)),
      /\.slice\(/,
      'use subarray to look and copyOf to copy',
    ),
    plant: [planted('src/base/a.ts', 'export const first = (key: Uint8Array) => key.slice(0, 1)')],
  },
  {
    rule: 'every source file begins with a header that says what it owns',
    faults: each(isSource, headerFaults),
    plant: [{ path: 'src/base/a.ts', text: '/** The answer. */\nexport const answer = 42\n' }],
  },
  {
    rule: `no source file is longer than ${LINES_MAX} lines`,
    faults: each(isSource, ({ text }) => {
      const lines = text.split('\n').length - 1
      return lines > LINES_MAX ? [`${lines} lines`] : []
    }),
    plant: [planted('src/base/a.ts', '\n'.repeat(LINES_MAX))],
  },
  {
    rule: 'no file or folder is a drawer',
    faults: each(
      () => true,
      ({ path }) => (DRAWERS.test(path) ? ['name what it owns'] : []),
    ),
    plant: [planted('src/base/byte-utils.ts', '')],
  },
  {
    rule: 'nothing is left open',
    faults: each(
      () => true,
      ({ text }) =>
        linesWith(text, /\b(?:TODO|FIXME|XXX|HACK)\b|@ts-(?:ignore|nocheck)/).map((line) => `line ${line}`),
    ),
    plant: [planted('test/a.test.ts', '// TODO: later')],
  },
  {
    rule: 'no test is skipped, and none runs alone',
    faults: absent(
      ({ path }) => path.startsWith('test/'),
      /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.(?:only|skip|todo|fails)\b/,
      'run every test',
    ),
    plant: [planted('test/a.test.ts', "test.only('a', () => undefined)")],
  },
  {
    rule: 'nothing is mocked',
    faults: absent(
      ({ path }) => path.startsWith('test/'),
      /\bvi\s*\.\s*(?:mock|fn|spyOn|useFakeTimers|stubGlobal)\b/,
      'use another implementation of the interface',
    ),
    plant: [planted('test/a.test.ts', 'vi.spyOn(console, String())')],
  },
  {
    rule: 'sources do not import what is built from them',
    faults: each(isSource, (file) =>
      importsOf(file)
        .filter((specifier) => /(?:^|\/)dist\//.test(specifier) || specifier === 'palimpsest')
        .map((specifier) => `imports ${specifier}`),
    ),
    plant: [planted('src/cli/a.ts', "const built = await import('../../dist/index.js')")],
  },
]

function layerFaults(file: SourceFile): readonly string[] {
  const folder = folderOf(file.path)
  if (folder === undefined) return []
  const allowed = MAY_IMPORT.get(folder)
  if (allowed === undefined) return [`there is no layer ${folder}`]
  return importsOf(file).flatMap((specifier) => {
    const path = resolveImport(file, specifier)
    if (path === undefined) return []
    const target = folderOf(path)
    // The commands stand on the library as users have it.
    const isAllowed = target === undefined ? folder === 'cli' : target === folder || allowed.includes(target)
    if (isAllowed) return []
    return [`imports ${specifier}`]
  })
}

/** Every ring of imports, once, beginning with its first file. */
function cycles(files: readonly SourceFile[]): readonly string[] {
  const imports = new Map(
    files.map((file) => [file.path, importsOf(file).flatMap((name) => resolveImport(file, name) ?? [])]),
  )
  const faults: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) faults.push([...way.slice(way.indexOf(path)), path].join(' → '))
    else if (!done.has(path)) {
      for (const target of imports.get(path) ?? []) visit(target, [...way, path])
      done.add(path)
    }
  }
  for (const path of imports.keys()) visit(path, [])
  return faults
}

function headerFaults({ text }: SourceFile): readonly string[] {
  const header = /^\/\*\*\n((?: \*.*\n)+) \*\/\n(?=\n|import\b|export \{)/.exec(text)?.[1]
  if (header === undefined) return ['it does not begin with a header comment of its own']
  return /\w{2}.*[.:]/.test(header) ? [] : ['its header has no sentence']
}
