/**
 * The process: arguments, streams and exit code.
 */
import { type WriteStream, isatty } from 'node:tty'
import { type Io, OutputClosed, type Sink } from './io.ts'
import { run } from './run.ts'

/* v8 ignore file -- @preserve it is a process of its own, in which tests run what was built of it */

type ProcessStream = WriteStream & { readonly fd: number }

/** A stream of the process. That it failed, or that its reader went away, is remembered and told by `drained`. */
class StreamSink implements Sink {
  readonly #stream: ProcessStream
  #lastWrite: Promise<void> = Promise.resolve()
  #failure: Error | undefined

  constructor(stream: ProcessStream) {
    this.#stream = stream
    // Without a listener, the process would end here.
    stream.on('error', (error) => this.#fail(error))
  }

  get isTty(): boolean {
    return isatty(this.#stream.fd)
  }

  get columns(): number | undefined {
    // Zero is what a terminal says that does not know.
    return this.#stream.columns === 0 ? undefined : this.#stream.columns
  }

  write(text: string): void {
    if (this.#failure !== undefined) return
    this.#lastWrite = new Promise((resolve) => {
      this.#stream.write(text, (error) => {
        if (error) this.#fail(error)
        resolve()
      })
    })
  }

  async drained(): Promise<void> {
    await this.#lastWrite
    if (this.#failure !== undefined) throw this.#failure
  }

  #fail(error: Error & { code?: string }): void {
    this.#failure ??= error.code === 'EPIPE' ? new OutputClosed('nobody reads the output') : error
  }
}

const io: Io = {
  stdout: new StreamSink(process.stdout),
  stderr: new StreamSink(process.stderr),
  cwd: process.cwd(),
  env: process.env,
}
process.exitCode = await run(process.argv.slice(2), io)
