/**
 * A store in a process of its own, told what to do. The process ends with this one, however it ends.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Order, type Outcome, type ProcessOptions } from './orders.ts'
import { type Sample } from './tasks.ts'

const PROCESS_PATH = fileURLToPath(new URL('process.js', import.meta.url))

/** One store and its process. */
export class StoreProcess {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #ended: Promise<never>

  constructor(options: ProcessOptions) {
    this.#name = options.name
    // What it prints goes to stderr: stdout is for the findings.
    this.#child = fork(PROCESS_PATH, [JSON.stringify(options)], { stdio: ['ignore', 2, 2, 'ipc'] })
    this.#ended = once(this.#child, 'exit').then((): never => {
      throw new Error(`the process of ${this.#name} has ended`)
    })
    // That it ends is an error only while somebody waits for it.
    this.#ended.catch(() => {})
  }

  /** Does one thing. Rejects if the store cannot, or its process ends. */
  async obey(order: Order): Promise<Sample> {
    const answered = once(this.#child, 'message') as Promise<[Outcome]>
    this.#child.send(order)
    const [outcome] = await Promise.race([answered, this.#ended])
    if ('error' in outcome) throw new Error(`${this.#name}: ${outcome.error}`)
    return outcome
  }

  /** Closes the store and ends the process. */
  async end(): Promise<void> {
    if (!this.#child.connected) return
    try {
      await this.obey({ kind: 'close' })
    } finally {
      this.#child.kill()
    }
  }
}
