/**
 * Three goals for single reads, each beside what was measured:
 *
 * | part        | what                                                                    | goal          |
 * | ----------- | ----------------------------------------------------------------------- | ------------- |
 * | depth       | a current get of keys with 1,000 versions ÷ one of keys with one        | at most 1.2   |
 * | cold        | blocks read from files by an as-of get, the cache far smaller than data | at most 1.1   |
 * | allocations | bytes allocated by a cached get ÷ those of its result alone             | at most 1     |
 *
 * Each part has a file, whose header says what is equal on both sides and what is not.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Benchmark } from './benchmark.ts'
import { measureAllocations } from './reads/allocations.ts'
import { measureCold } from './reads/cold.ts'
import { measureDepth } from './reads/depth.ts'
import { type Part } from './reads/part.ts'

const PARTS: Readonly<Record<string, Part>> = {
  depth: measureDepth,
  cold: measureCold,
  allocations: measureAllocations,
}

/** All three parts. */
export const benchmarkReads: Benchmark = async (progress) => {
  const data: Record<string, object> = {}
  const lines: string[] = []
  for (const [name, measurePart] of Object.entries(PARTS)) {
    const directory = mkdtempSync(join(tmpdir(), `palimpsest-reads-${name}-`))
    try {
      const found = await measurePart(directory, (line) => progress(`${name}: ${line}`))
      data[name] = found.data
      lines.push(name, ...found.lines.map((line) => `  ${line}`), '')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  return { data, lines: lines.slice(0, -1) }
}
