/**
 * Made-up git histories: of any size, from a seed, with everything in them that real ones have.
 *
 * A few files change often and most hardly ever; files and whole directories are added, renamed and
 * deleted; merges touch many at once, reverts bring back what was; modes change; names are odd; a file
 * gives way to a directory and the reverse; clocks repeat and go back. The tree ids are true ones, so a
 * made-up history proves itself as a real one does. Ids of blobs and commits are the hashes of nothing.
 *
 * The same seed gives the same history; a longer one begins with the shorter one.
 */
import { createHash } from 'node:crypto'
import { bytesOfText } from '../../base/bytes.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { pick, type Random, seededRandom } from '../../simulator/random.ts'
import { type GitChange, type GitCommit, type GitFile, SECONDS_MAX, SUBMODULE_MODE } from './history.ts'
import { byteTextOf, bytesOfByteText } from './quoting.ts'
import { TreeHasher } from './tree-id.ts'

/** What to make up. */
export interface HistoryOptions {
  readonly seed: number
  /** How many commits. */
  readonly commits: number
  /** About how many files the tree has once it has grown; 200 by default. */
  readonly files?: number | undefined
  /** The time of the first commit in Unix seconds; in September 2020 by default. */
  readonly startSeconds?: number | undefined
}

/** A history that never was. */
export function* generateHistory(options: HistoryOptions): Generator<GitCommit> {
  const { seed, commits, files = 200, startSeconds = 1_600_000_000 } = options
  checkWhole('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  checkWhole('commits', commits, 0, Number.MAX_SAFE_INTEGER)
  checkWhole('files', files, 1, 10_000_000)
  checkWhole('startSeconds', startSeconds, 0, SECONDS_MAX)
  const random = seededRandom(seed)
  const project = new Project(random, files, `${seed}`)
  const hasher = new TreeHasher()
  let seconds = startSeconds
  let id = ''
  for (let count = 0; count < commits; count++) {
    if (count > 0) seconds = nextSeconds(random, seconds)
    const changes = count === 0 ? project.begin() : project.work()
    hasher.apply(changes)
    const tree = hasher.id
    id = sha1(`commit ${seed} ${count} ${id} ${tree}`)
    yield { id, tree, seconds, changes }
  }
}

/** Contents for an object of a made-up history: its id, and some lines of text that follow from it. */
export function generateContents(object: string): Uint8Array {
  const random = seededRandom(Number.parseInt(object.slice(0, 12), 16))
  const lines = Array.from({ length: skewed(random, 400) }, () => {
    return Array.from({ length: random.below(12) }, () => wordOf(random)).join(' ')
  })
  return bytesOfText([object, ...lines, ''].join('\n'))
}

const WORDS = 'array block cache delta event field graph heap index join key log merge node order page'.split(
  ' ',
)
const ENDINGS = ['.ts', '.rs', '.md', '.json', '', '-old', '.test.ts', '0']

/** Names that are hard on those who print, quote or sort them, as byte text. The last is no UTF-8 at all. */
const ODD_NAMES: readonly string[] = [
  ...['grüße', '日本語', '🦉'].map((name) => byteTextOf(bytesOfText(name))),
  'with space',
  'quo"te',
  'back\\slash',
  'tab\t',
  'line\nbreak',
  '\x01',
  '\x7f',
  '"',
  '-n',
  '*',
  '\xff\xfe\x80',
]

/** Something that happens to a project between two commits, and how often it does. */
interface Activity {
  readonly weight: number
  readonly run: (project: Project) => void
}

/** The working tree of people who do what people do. Paths are byte text. */
class Project {
  readonly #random: Random
  readonly #target: number
  readonly #name: string
  readonly #files = new Map<string, GitFile>()
  /** All paths, the often changed ones first, and the place of each. */
  readonly #ranked: string[] = []
  readonly #places = new Map<string, number>()
  /** How many entries each directory has, files and directories. */
  readonly #entries = new Map<string, number>()
  /** What the paths touched since the last commit held before, and the same for the last commit. */
  #before = new Map<string, GitFile | undefined>()
  #last: ReadonlyMap<string, GitFile | undefined> = new Map()
  #objects = 0

  constructor(random: Random, target: number, name: string) {
    this.#random = random
    this.#target = target
    this.#name = name
  }

  /** The changes of the first commit. */
  begin(): readonly GitChange[] {
    for (let count = Math.ceil(this.#target / 2); count > 0; count--) this.#add()
    return this.#commit()
  }

  /** The changes of another commit. */
  work(): readonly GitChange[] {
    let ticket = this.#random.below(TOTAL_WEIGHT)
    const activity = ACTIVITIES.find(({ weight }) => (ticket -= weight) < 0)!
    activity.run(this)
    return this.#commit()
  }

  edit(): void {
    for (let count = 1 + skewed(this.#random, 10); count > 0; count--) this.#edit(this.#hotPath())
  }

  grow(): void {
    const most = 4 + Math.floor(this.#target / 100)
    for (let count = 1 + this.#random.below(most); count > 0; count--) this.#add()
    while (this.#files.size > this.#target) this.#remove(this.#anyPath())
  }

  shrink(): void {
    for (let count = 1 + this.#random.below(3); count > 0; count--) this.#remove(this.#anyPath())
  }

  merge(): void {
    for (let count = 5 + this.#random.below(60); count > 0; count--) this.#edit(this.#hotPath())
    this.grow()
  }

  /** Takes back the last commit, unless it was a large one. */
  revert(): void {
    if (this.#last.size > 40) return
    for (const path of this.#last.keys()) this.#remove(path)
    for (const [path, file] of this.#last) if (file !== undefined) this.#set(path, file)
  }

  rename(): void {
    this.#move(this.#anyPath(), (path) => this.#freePath(parentOf(this.#anyPath() ?? path)))
  }

  renameDirectory(): void {
    const [directory, paths] = this.#anyDirectory() ?? ['', []]
    const target = this.#freePath(parentOf(directory))
    for (const path of paths) this.#move(path, () => target + path.slice(directory.length))
  }

  changeMode(): void {
    const path = this.#anyPath()
    const file = path === undefined ? undefined : this.#files.get(path)
    if (path === undefined || file === undefined || file.mode === SUBMODULE_MODE) return
    if (this.#random.below(3) === 0) this.#set(path, { mode: '120000', object: this.#newObject() })
    else this.#set(path, { ...file, mode: file.mode === '100644' ? '100755' : '100644' })
  }

  addSubmodule(): void {
    this.#set(this.#freePath(''), { mode: SUBMODULE_MODE, object: this.#newObject() })
  }

  /** A file becomes a directory of the same name. */
  unfold(): void {
    const path = this.#anyPath()
    if (path !== undefined) this.#move(path, () => `${path}/${wordOf(this.#random)}`)
  }

  /** A directory becomes a file of the same name. */
  fold(): void {
    const [directory, paths] = this.#anyDirectory() ?? ['', []]
    if (paths.length === 0) return
    for (const path of paths) this.#remove(path)
    this.#set(directory, { mode: '100644', object: this.#newObject() })
  }

  #commit(): readonly GitChange[] {
    const changes: GitChange[] = []
    for (const key of [...this.#before.keys()].toSorted()) {
      const before = this.#before.get(key)
      const now = this.#files.get(key)
      if (before?.mode === now?.mode && before?.object === now?.object) continue
      const path = bytesOfByteText(key)
      changes.push(now === undefined ? { kind: 'delete', path } : { kind: 'set', path, ...now })
    }
    this.#last = this.#before
    this.#before = new Map()
    return changes
  }

  #add(): void {
    const random = this.#random
    let directory = random.below(64) === 0 ? '' : parentOf(this.#anyPath() ?? '')
    const crowded = (this.#entries.get(directory) ?? 0) > 40
    if (crowded || (random.below(8) === 0 && directory.length < 60)) directory = this.#freePath(directory)
    const mode = random.below(20) === 0 ? '100755' : random.below(40) === 0 ? '120000' : '100644'
    this.#set(this.#freePath(directory), { mode, object: this.#newObject() })
  }

  #edit(path: string | undefined): void {
    const file = path === undefined ? undefined : this.#files.get(path)
    if (path === undefined || file === undefined) this.#add()
    else this.#set(path, { ...file, object: this.#newObject() })
  }

  #move(path: string | undefined, to: (path: string) => string): void {
    const file = path === undefined ? undefined : this.#files.get(path)
    if (path === undefined || file === undefined) return
    this.#remove(path)
    this.#set(to(path), file)
  }

  #set(path: string, file: GitFile): void {
    this.#touch(path)
    if (!this.#files.has(path)) {
      this.#places.set(path, this.#ranked.length)
      this.#ranked.push(path)
      this.#enter(parentOf(path))
    }
    this.#files.set(path, file)
  }

  #remove(path: string | undefined): void {
    const place = path === undefined ? undefined : this.#places.get(path)
    if (path === undefined || place === undefined) return
    this.#touch(path)
    this.#files.delete(path)
    this.#leave(parentOf(path))
    this.#places.delete(path)
    const last = this.#ranked.pop()!
    if (last === path) return
    this.#ranked[place] = last
    this.#places.set(last, place)
  }

  #touch(path: string): void {
    if (!this.#before.has(path)) this.#before.set(path, this.#files.get(path))
  }

  /** Counts one more entry of a directory, which may be new. */
  #enter(directory: string): void {
    const count = this.#entries.get(directory) ?? 0
    this.#entries.set(directory, count + 1)
    if (count === 0 && directory !== '') this.#enter(parentOf(directory))
  }

  /** Counts one entry less of a directory, which may be gone then. */
  #leave(directory: string): void {
    const count = this.#entries.get(directory)! - 1
    this.#entries.set(directory, count)
    if (count > 0) return
    this.#entries.delete(directory)
    if (directory !== '') this.#leave(parentOf(directory))
  }

  #hotPath(): string | undefined {
    return this.#ranked.length === 0 ? undefined : this.#ranked[skewed(this.#random, this.#ranked.length)]
  }

  #anyPath(): string | undefined {
    return this.#ranked.length === 0 ? undefined : this.#ranked[this.#random.below(this.#ranked.length)]
  }

  /** A directory other than the root, with all of its paths if they are not too many. */
  #anyDirectory(): readonly [directory: string, paths: readonly string[]] | undefined {
    const directory = parentOf(this.#anyPath() ?? '')
    if (directory === '') return undefined
    const paths = this.#ranked.filter((path) => path.startsWith(`${directory}/`))
    return paths.length > 100 ? undefined : [directory, paths]
  }

  /** A path in a directory that neither is taken nor leads through a file. */
  #freePath(directory: string): string {
    const above = directory === '' ? '' : `${directory}/`
    for (let attempt = 0; ; attempt++) {
      const path = above + this.#newName(attempt < 2 ? '' : `${this.#random.below(2 ** attempt)}`)
      if (!this.#files.has(path) && !this.#entries.has(path)) return path
    }
  }

  #newName(suffix: string): string {
    const random = this.#random
    if (random.below(20) === 0) return pick(random, ODD_NAMES) + suffix
    return wordOf(random) + suffix + (random.below(2) === 0 ? '' : pick(random, ENDINGS))
  }

  #newObject(): string {
    return sha1(`object ${this.#name} ${this.#objects++}`)
  }
}

const ACTIVITIES: readonly Activity[] = [
  { weight: 60, run: (project) => project.edit() },
  { weight: 15, run: (project) => project.grow() },
  { weight: 5, run: (project) => project.shrink() },
  { weight: 5, run: (project) => project.rename() },
  { weight: 3, run: (project) => project.merge() },
  { weight: 3, run: (project) => project.revert() },
  { weight: 3, run: (project) => project.changeMode() },
  { weight: 1, run: (project) => project.renameDirectory() },
  { weight: 1, run: (project) => project.addSubmodule() },
  { weight: 1, run: (project) => project.unfold() },
  { weight: 1, run: (project) => project.fold() },
  // Some commits change nothing.
  { weight: 2, run: () => {} },
]
const TOTAL_WEIGHT = ACTIVITIES.reduce((sum, { weight }) => sum + weight, 0)

/** Mostly some minutes to a day later, sometimes at the same time, sometimes back. */
function nextSeconds(random: Random, seconds: number): number {
  const kind = random.below(16)
  const step = kind === 0 ? 0 : kind === 1 ? -skewed(random, 20_000) : skewed(random, 100_000)
  return Math.min(Math.max(seconds + step, 0), SECONDS_MAX)
}

/**
 * A whole number below `n`, the small ones more often: every power of two below `n` bounds as many
 * draws, which is close to Zipf's law and, made of whole numbers, the same on every machine.
 */
function skewed(random: Random, n: number): number {
  const bits = random.below(33 - Math.clz32(n - 1))
  return random.below(Math.min(2 ** bits, n))
}

function wordOf(random: Random): string {
  return pick(random, WORDS)
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new PalimpsestError('INVALID_ARGUMENT', `${name} is not a whole number from ${least} to ${most}`, {
    name,
    value,
  })
}
