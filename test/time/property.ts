/** How most properties are run: on every seed of `seeds.ts`. */
import * as fc from 'fast-check'
import { casePath, propertySeeds } from '../seeds.ts'

/** Checks a property; fast-check prints seed and path of a failure. */
export function holds<T>(property: fc.IProperty<T>, numRuns = 100): void {
  const path = casePath()
  for (const seed of propertySeeds())
    fc.assert(property, { seed, numRuns, ...(path === undefined ? {} : { path }) })
}
