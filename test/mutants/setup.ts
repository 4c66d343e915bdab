/** A mutant is dead when a case fails; nobody wants to know the shortest one. */
import * as fc from 'fast-check'

fc.configureGlobal({ endOnFailure: true })
