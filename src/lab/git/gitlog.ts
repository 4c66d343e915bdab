/**
 * The text form of a git history: what this command prints, with or without the blank lines.
 *
 *     git -c core.quotePath=false log --first-parent --reverse --raw --no-abbrev --no-renames \
 *         --diff-merges=first-parent --format='commit %H %T %ct' HEAD
 *
 *     commit <commit id> <tree id> <committer time, Unix seconds>
 *     :<old mode> <new mode> <old object> <new object> <status>⇥<path>
 *
 * Reading keeps one commit in memory, trusts nothing, and names the line of whatever is wrong. A file
 * cut short inside a line is refused; one cut between two lines shows only in the tree id of its last
 * commit, which is the reason to check it.
 */
import { textOfBytes } from '../../base/bytes.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { readFileChunks } from './chunks.ts'
import { GIT_MODES, type GitChange, type GitCommit, type GitFile, SECONDS_MAX } from './history.ts'
import { byteTextOf, bytesOfByteText, needsQuotes, quotePath, unquotePath } from './quoting.ts'

/** The longest line that is read, in bytes: far beyond any path that can be checked out. */
export const LINE_MAX: number = 1 << 16

const NO_MODE = '000000'
const NO_OBJECT = '0'.repeat(40)
const NEWLINE = 10

/** The commits of a log file, or of standard input if it is `0`. It is opened with the first commit. */
export function readGitLogFile(path: string | 0): Generator<GitCommit> {
  return parseGitLog(readFileChunks(path))
}

/**
 * The commits of a log that comes in chunks, cut anywhere; a chunk may be reused once the next is asked
 * for. Throws `INVALID_TRACE` with the line (from 1) in `details.line`; a commit is given out only when
 * all of its lines were good.
 */
export function* parseGitLog(chunks: Iterable<Uint8Array>): Generator<GitCommit> {
  let commit: OpenCommit | undefined
  let first: string | undefined
  for (const { line, text } of readLines(chunks)) {
    if (text === '') continue
    if (text.startsWith('commit ')) {
      const next = parseHeader(line, text)
      // A whole set of ids would grow with the log. These are the two ways in which they come twice.
      if (next.id === commit?.id) throw invalid(line, `commit ${next.id} a second time`)
      if (next.id === first) throw invalid(line, `commit ${next.id} again: the log starts over`)
      if (commit !== undefined) yield finish(commit)
      commit = next
      first ??= next.id
    } else {
      const { key, change } = parseChange(line, text)
      if (commit === undefined) throw invalid(line, 'a change before the first commit')
      if (commit.paths.has(key)) throw invalid(line, `${JSON.stringify(key)} is changed twice in one commit`)
      commit.paths.add(key)
      commit.changes.push(change)
    }
  }
  if (commit === undefined) throw invalid(1, 'the log has no commit')
  yield finish(commit)
}

/**
 * Prints a history in the form that {@link parseGitLog} reads, a commit at a time. It remembers what
 * every path holds, since a line also says what was there before; so the commits must begin at an empty
 * tree, and a delete of what is not there is `INVALID_ARGUMENT`. Paths that are not UTF-8 are quoted.
 */
export function* writeGitLog(commits: Iterable<GitCommit>): Generator<string> {
  const files = new Map<string, GitFile>()
  for (const { id, tree, seconds, changes } of commits) {
    let text = `commit ${id} ${tree} ${seconds}\n`
    for (const change of changes) text += writeChange(files, change)
    yield text
  }
}

interface OpenCommit extends GitCommit {
  readonly changes: GitChange[]
  /** The paths changed so far, as byte text. */
  readonly paths: Set<string>
}

function finish({ id, tree, seconds, changes }: OpenCommit): GitCommit {
  return { id, tree, seconds, changes }
}

interface Line {
  /** Counted from 1. */
  readonly line: number
  /** As byte text, without its end. */
  readonly text: string
}

/** Cuts chunks into lines. Copies every byte at most twice, however small the chunks. */
function* readLines(chunks: Iterable<Uint8Array>): Generator<Line> {
  const begun = new Uint8Array(LINE_MAX)
  let length = 0
  let line = 1
  const add = (part: Uint8Array): Uint8Array => {
    if (length + part.length > LINE_MAX) throw invalid(line, `longer than ${LINE_MAX} bytes`)
    begun.set(part, length)
    length += part.length
    return begun.subarray(0, length)
  }
  for (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      yield { line, text: lineText(add(chunk.subarray(from, end)), line) }
      length = 0
      line++
      from = end + 1
    }
    add(chunk.subarray(from))
  }
  if (length > 0) throw invalid(line, 'the last line has no end: the log was cut short')
}

/** What a line says, without the marks that other systems leave. They cannot be a part of it: git quotes a CR. */
function lineText(bytes: Uint8Array, line: number): string {
  let text = byteTextOf(bytes)
  if (line === 1) {
    if (/^(?:\xff\xfe|\xfe\xff)/.test(text)) throw invalid(line, 'the log is UTF-16 text; git prints UTF-8')
    text = text.replace(/^\xef\xbb\xbf/, '')
  }
  return text.endsWith('\r') ? text.slice(0, -1) : text
}

function parseHeader(line: number, text: string): OpenCommit {
  const match = /^commit ([0-9a-f]{40}) ([0-9a-f]{40}) (\d{1,16})$/.exec(text)
  if (match === null) throw invalid(line, `not "commit <id> <tree id> <seconds>"${hint(text)}`, text)
  const [, id = '', tree = '', time = ''] = match
  const seconds = Number(time)
  if (seconds > SECONDS_MAX)
    throw invalid(line, `the time ${seconds} lies after ${SECONDS_MAX}, the last second that a time can name`)
  return { id, tree, seconds, changes: [], paths: new Set() }
}

const CHANGE = /^:(\d{6}) (\d{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) ([A-Z]\d*)\t(.*)$/s

function parseChange(line: number, text: string): { readonly key: string; readonly change: GitChange } {
  const match = CHANGE.exec(text)
  if (match === null) throw invalid(line, `neither a commit nor a change${hint(text)}`, text)
  const [, oldMode = '', mode = '', oldObject = '', object = '', status = '', printed = ''] = match
  const rule = STATUSES.get(status)
  if (rule === undefined) throw invalid(line, `status ${status}${statusHint(status)}`)
  const before = checkSide(line, 'old', oldMode, oldObject)
  const after = checkSide(line, 'new', mode, object)
  if (rule.before !== before) throw invalid(line, `status ${status} with the old mode ${oldMode}`)
  if (rule.after !== after) throw invalid(line, `status ${status} with the new mode ${mode}`)
  const key = parsePath(line, printed)
  const path = bytesOfByteText(key)
  return { key, change: after ? { kind: 'set', path, mode, object } : { kind: 'delete', path } }
}

/** By status: whether the path held something before the change, and whether it does after it. */
const STATUSES: ReadonlyMap<string, { readonly before: boolean; readonly after: boolean }> = new Map([
  ['A', { before: false, after: true }],
  ['M', { before: true, after: true }],
  ['T', { before: true, after: true }],
  ['D', { before: true, after: false }],
])

/** Whether one side of a change holds something. */
function checkSide(line: number, side: string, mode: string, object: string): boolean {
  const holds = mode !== NO_MODE
  if (holds && !GIT_MODES.includes(mode)) throw invalid(line, `${mode} is no mode that git writes`)
  if (holds !== (object !== NO_OBJECT)) {
    throw invalid(line, `the ${side} mode ${mode} does not go with the ${side} object ${object}`)
  }
  return holds
}

function parsePath(line: number, printed: string): string {
  const path = printed.startsWith('"') ? unquotePath(printed) : needsQuotes(printed) ? undefined : printed
  if (path === undefined) throw invalid(line, 'the path is not quoted as git quotes', printed)
  if (path.includes('\0') || /^$|^\/|\/\/|\/$/.test(path)) throw invalid(line, 'no path of git', printed)
  return path
}

/** What the writer of an unreadable line may have done. */
function hint(text: string): string {
  if (text.includes('\0')) return ': print the log without -z'
  if (text.startsWith('::')) return ': print merges with --diff-merges=first-parent'
  if (/ [0-9a-f]{64} /.test(text)) return ': SHA-256 repositories are not supported'
  if (/^:\d{6} \d{6} [0-9a-f]{4,39}\b/.test(text)) return ': print the log with --no-abbrev'
  return ''
}

function statusHint(status: string): string {
  if (/^[RC]/.test(status)) return ': print the log with --no-renames'
  if (status === 'U') return ': the path is unmerged'
  return ' is not known'
}

function invalid(line: number, what: string, text?: string): PalimpsestError {
  const shown =
    text === undefined ? '' : `: ${JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)}`
  return new PalimpsestError('INVALID_TRACE', `line ${line}: ${what}${shown}`, { line })
}

function writeChange(files: Map<string, GitFile>, change: GitChange): string {
  const key = byteTextOf(change.path)
  const old = files.get(key)
  const path = printPath(change.path, key)
  if (change.kind === 'delete') {
    if (old === undefined) {
      throw new PalimpsestError('INVALID_ARGUMENT', `${path} is deleted but not there`, { path: key })
    }
    files.delete(key)
    return `:${old.mode} ${NO_MODE} ${old.object} ${NO_OBJECT} D\t${path}\n`
  }
  const { mode, object } = change
  files.set(key, { mode, object })
  return `:${old?.mode ?? NO_MODE} ${mode} ${old?.object ?? NO_OBJECT} ${object} ${statusOf(old, mode)}\t${path}\n`
}

/** `T` where one kind of thing becomes another: the first three digits of the mode are the kind. */
function statusOf(old: GitFile | undefined, mode: string): string {
  if (old === undefined) return 'A'
  return old.mode.slice(0, 3) === mode.slice(0, 3) ? 'M' : 'T'
}

function printPath(bytes: Uint8Array, key: string): string {
  let text: string
  try {
    text = textOfBytes(bytes)
  } catch {
    return quotePath(key, true)
  }
  return needsQuotes(text) ? quotePath(text) : text
}
