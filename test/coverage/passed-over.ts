/**
 * What the measure of coverage passes over: places marked by a comment in the code, with the reason why no
 * test can get there.
 *
 *     /* v8 ignore next -- @preserve only another system has it *\/
 */
import { type SourceFile } from '../house/source.ts'

/** A place that is passed over. */
export interface PassedOver {
  readonly path: string
  /** From 1. */
  readonly line: number
  /** Empty where none is given. */
  readonly reason: string
}

const MARK =
  /\b(?:v8|c8|istanbul|node:coverage)\s+ignore\s+(?!stop\b)\w+(?:\s*--\s*@preserve\s+(.*?))?\s*\*\//

/** The places in some files that are passed over, in their order. */
export function passedOver(files: readonly SourceFile[]): readonly PassedOver[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((content, i) => {
      const mark = MARK.exec(content)
      return mark === null ? [] : [{ path, line: i + 1, reason: mark[1] ?? '' }]
    }),
  )
}
