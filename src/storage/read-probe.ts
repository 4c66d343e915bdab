/**
 * What a read of one key looks at, told while it looks: the memtable, tables that are passed over and
 * why, tables and blocks that are searched. With somebody listening a read searches, by the code by which every
 * read does that finds nothing remembered of its key (`found-places.ts`, `row-cache.ts`); what is remembered is
 * what a search found, so the answers do not differ. With nobody listening nothing is told.
 */
import { type Version } from './version.ts'

/** One thing that a read did. `version` is what it found there, if it found anything. */
export type ReadEvent =
  | { readonly at: 'memtable'; readonly version: Version | undefined }
  | { readonly at: 'block'; readonly table: number; readonly block: number; readonly isCached: boolean }
  | {
      readonly at: 'table'
      readonly table: number
      /** Passed over because of its times or its filter, or searched. */
      readonly outcome: 'time bounds' | 'filter' | 'searched'
      readonly version?: Version | undefined
    }

/** Told of everything that a read does, in order. */
export type ReadProbe = (event: ReadEvent) => void
