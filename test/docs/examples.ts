/**
 * Runs the examples of the documents as a reader would.
 *
 * - A `ts` block is a program of its own. It is compiled against the built package, as in a project that
 *   depends on it, and run; what it prints is what stands behind `// →` in it, line by line.
 * - In `sh` and `console` blocks, `palimpsest …` and `npx palimpsest …` run in a directory with a small git
 *   repository and the lessons, one block after the other. In a `console` block commands stand behind `$ `, and the lines
 *   after one are its output; a line `…` stands for any lines.
 * - A `script` block is a script of its own, with everything that it answers.
 * - `npm …` is for `.ci/run`, which runs it in a fresh clone.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { runScript } from '../../src/testing/script/script.ts'
import { ROOT } from '../house/source.ts'
import { type Block } from './markdown.ts'

/** A command line of a document, with the output that is shown for it, if any is. */
export interface ShownCommand {
  readonly place: string
  readonly line: string
  readonly output: readonly string[] | undefined
}

/** What became of a program. */
export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The commands of `sh` and `console` blocks. */
export function commandsOf({ place, language, lines }: Block): readonly ShownCommand[] {
  if (language === 'sh') {
    return lines
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .map((line) => ({ place, line, output: undefined }))
  }
  if (language !== 'console') return []
  const commands: { place: string; line: string; output: string[] }[] = []
  for (const line of lines) {
    if (line.startsWith('$ ')) commands.push({ place, line: line.substring(2), output: [] })
    else commands.at(-1)?.output.push(line)
  }
  return commands
}

/** The arguments of a `palimpsest` command; `undefined` for another command. */
export function argumentsOf(line: string): readonly string[] | undefined {
  const match = /^(?:npx )?palimpsest (.*)$/.exec(line)
  if (match === null) return undefined
  return Array.from(match[1]!.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g), ([, a, b, c]) => a ?? b ?? c ?? '')
}

/** Whether an output is the one that is shown, in which a line `…` stands for any lines. */
export function isShown(output: readonly string[], shown: readonly string[]): boolean {
  const [first, ...rest] = shown
  if (first === undefined) return output.length === 0
  if (first !== '…') return output[0] === first && isShown(output.slice(1), rest)
  return output.some((_, i) => isShown(output.slice(i), rest)) || rest.length === 0
}

/** What a `ts` block says that it prints. */
export function printedBy({ lines }: Block): readonly string[] {
  return lines.flatMap((line) => /\/\/ → (.*)$/.exec(line)?.[1] ?? [])
}

/** The lines of a `script` block with the answers filled in. */
export function filledIn({ lines }: Block): readonly string[] {
  return linesOf(runScript(lines.join('\n')))
}

/** The lines of an output. */
export function linesOf(output: string): readonly string[] {
  return output === '' ? [] : output.replace(/\n$/, '').split('\n')
}

/** A directory outside of the project, in which the package is installed. */
export class ReaderProject {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'palimpsest-docs-'))

  constructor() {
    mkdirSync(join(this.directory, 'node_modules'))
    symlinkSync(ROOT, join(this.directory, 'node_modules', 'palimpsest'), 'junction')
    writeFileSync(join(this.directory, 'package.json'), '{ "type": "module" }\n')
  }

  /**
   * Compiles programs with strict types, and other options if given, and runs each; throws with the compiler's
   * words if they have faults.
   */
  run(programs: readonly string[], others: object = {}): readonly Outcome[] {
    for (const [i, text] of programs.entries()) writeFileSync(join(this.directory, `example-${i}.ts`), text)
    const options = { target: 'es2023', module: 'nodenext', strict: true, types: [], lib: ['es2023', 'dom'] }
    const config = { compilerOptions: { ...options, skipLibCheck: true, ...others }, include: ['*.ts'] }
    writeFileSync(join(this.directory, 'tsconfig.json'), JSON.stringify(config))
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const compiled = spawnSync(execPath, [compiler, '-p', this.directory], { encoding: 'utf8' })
    if (compiled.status !== 0) throw new Error(compiled.stdout)
    return programs.map((_, i) => {
      const cwd = mkdtempSync(join(this.directory, 'run-'))
      return spawnSync(execPath, [join(this.directory, `example-${i}.js`)], { cwd, encoding: 'utf8' })
    })
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** A directory with a small git repository, one commit a day, in which commands run. */
export class ReaderRepository {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'palimpsest-docs-'))

  constructor() {
    const git = (words: readonly string[], when = ''): void => {
      const dates = { GIT_AUTHOR_DATE: when, GIT_COMMITTER_DATE: when }
      const env = { ...process.env, ...IDENTITY, ...(when === '' ? {} : dates) }
      execFileSync('git', words, { cwd: this.directory, env, stdio: 'pipe' })
    }
    symlinkSync(join(ROOT, 'lessons'), join(this.directory, 'lessons'), 'junction')
    git(['init', '--quiet'])
    // The lessons are not part of the history.
    writeFileSync(join(this.directory, '.git', 'info', 'exclude'), 'lessons\n')
    for (const [i, text] of ['one', 'two', 'three'].entries()) {
      writeFileSync(join(this.directory, 'README.md'), `${text}\n`)
      writeFileSync(join(this.directory, `file-${i}.txt`), `${text}\n`)
      git(['add', '.'])
      git(['commit', '--quiet', '--no-gpg-sign', '--message', text], `2026-01-0${i + 1}T00:00:00Z`)
    }
  }

  /** Runs the command line with these arguments. */
  run(words: readonly string[]): Outcome {
    const program = join(ROOT, 'bin', 'palimpsest.js')
    const given = words.flatMap((word) => this.#expanded(word))
    return spawnSync(execPath, [program, ...given], { cwd: this.directory, encoding: 'utf8' })
  }

  /** The files that a shell would put in place of `folder/*.ending`. */
  #expanded(word: string): readonly string[] {
    const [, folder, ending] = /^([^*]+)\/\*(\.\w+)$/.exec(word) ?? []
    if (folder === undefined) return [word]
    const names = readdirSync(join(this.directory, folder)).filter((name) => name.endsWith(ending!))
    return names.toSorted().map((name) => `${folder}/${name}`)
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'reader',
  GIT_AUTHOR_EMAIL: 'reader@example.org',
  GIT_COMMITTER_NAME: 'reader',
  GIT_COMMITTER_EMAIL: 'reader@example.org',
}
