/**
 * What a read of one key looks at, told while it looks: the memtable, tables that are passed over and
 * why, tables and blocks that are searched. An explanation of a read is the read itself with somebody
 * listening, so the two cannot differ; with nobody listening nothing is told.
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
