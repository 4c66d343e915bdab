/**
 * The rows of a read, handed out one by one:
 *
 *     next() ── step, make ── next() ── step, make ── … ── the end, an error, or return(): closed
 *
 * To its user it is what a generator is. It is no generator, because every row would pay for resuming it.
 */

/** What rows come from: it stands at one after each step that answered `true`, and has to be closed. */
export interface RowSource {
  step(): boolean
  /** Closing twice does nothing. */
  close(): void
}

/** What all built-in iterators inherit from, and with it, where the language has them, `map`, `take` and so on. */
const BuiltInIterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object

/** Up to `limit` rows of a source, made when they are asked for. */
export class Rows<Row> implements IterableIterator<Row> {
  readonly #source: RowSource
  readonly #make: () => Row
  #left: number

  constructor(source: RowSource, limit: number, make: () => Row) {
    this.#source = source
    this.#left = limit
    this.#make = make
  }

  next(): IteratorResult<Row> {
    try {
      if (this.#left > 0 && this.#source.step()) {
        this.#left--
        return { done: false, value: this.#make() }
      }
    } catch (error) {
      return this.throw(error)
    }
    return this.return()
  }

  return(): IteratorResult<Row> {
    this.#left = 0
    this.#source.close()
    return { done: true, value: undefined }
  }

  throw(error: unknown): IteratorResult<Row> {
    this.return()
    throw error
  }

  [Symbol.iterator](): this {
    return this
  }

  static {
    Object.setPrototypeOf(this.prototype, BuiltInIterator)
  }
}
