/**
 * The process: arguments, streams and exit code.
 */
import { once } from 'node:events'
import { type WriteStream } from 'node:tty'
import { type Io, OutputClosed, type Sink } from './io.ts'
import { run } from './run.ts'

/** A stream of the process. When its reader goes away, that is remembered and nothing more. */
class StreamSink implements Sink {
  readonly #stream: WriteStream
  #failure: Error | undefined

  constructor(stream: WriteStream) {
    this.#stream = stream
    stream.on('error', (error: Error & { code?: string }) => {
      this.#failure ??= error.code === 'EPIPE' ? new OutputClosed('nobody reads the output') : error
    })
  }

  get isTty(): boolean {
    return this.#stream.isTTY
  }

  get columns(): number | undefined {
    return this.#stream.columns
  }

  write(text: string): void {
    if (this.#failure === undefined) this.#stream.write(text)
  }

  async drained(): Promise<void> {
    if (this.#failure === undefined && this.#stream.writableNeedDrain) {
      // An error ends the wait too; the listener above has kept it.
      await once(this.#stream, 'drain').catch(() => undefined)
    }
    if (this.#failure !== undefined) throw this.#failure
  }
}

const io: Io = {
  stdout: new StreamSink(process.stdout),
  stderr: new StreamSink(process.stderr),
  cwd: process.cwd(),
  env: process.env,
}
process.exitCode = await run(process.argv.slice(2), io)
