/**
 * Measuring several subjects at one task. One round is one sample of `benchmark` for each of them, in turn,
 * so that what disturbs the machine meets all alike; the result is the median over the rounds.
 */
import Benchmark from 'benchmark'
import { medianOf } from './median.ts'

/** Something that does the work of a task once. */
export type Work = () => Promise<unknown>

/**
 * The shortest sample, in seconds. While others worked, a process lost what the processor's caches had of it, and V8 gave
 * back memory: a sample is long beside the time in which it gets them again.
 */
const SAMPLE_SECONDS = 0.5

/** How often each subject does its work in a second, by name. */
export async function measure<Name extends string>(
  subjects: Readonly<Record<Name, Work>>,
  rounds: number,
): Promise<Readonly<Record<Name, number>>> {
  const names = Object.keys(subjects) as Name[]
  const samples = new Map(names.map((name) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first finds the caches as the other left them: take turns at that too.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      samples.get(name)!.push(await sample(subjects[name]))
    }
  }
  const medians = names.map((name) => [name, medianOf(samples.get(name)!)] as const)
  return Object.fromEntries(medians) as Record<Name, number>
}

/** How often a work is done in a second, by one sample. */
export function sample(work: Work): Promise<number> {
  return new Promise((resolve, reject) => {
    const run = (deferred: { resolve(): void }) => {
      work().then(() => deferred.resolve(), reject)
    }
    const options = { defer: true, minSamples: 1, minTime: SAMPLE_SECONDS, maxTime: 0 }
    const benchmark: Benchmark = new Benchmark(run, {
      ...options,
      onComplete: () => resolve(benchmark.hz),
    })
    benchmark.run({ async: true })
  })
}

/** Microseconds that something takes, once. */
export async function microsOf(work: () => unknown): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1000
}
