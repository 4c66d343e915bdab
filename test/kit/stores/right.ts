/**
 * The stores that are right, and how each is opened for a run.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { type Capability, type StoreUnderTest, ReferenceStore } from '../../../src/testing.ts'
import { EngineStore } from './engine.ts'
import { LevelRowsStore } from './level-rows.ts'
import { RulesStore } from './rules-store.ts'

/** Everything that a store can be checked for. */
export const EVERYTHING: readonly Capability[] = [
  ...(['collect', 'refusal', 'reopen', 'snapshot', 'restore', 'reverse'] as const),
]

const ENCODINGS = { keyEncoding: 'view', valueEncoding: 'view' } as const

/** Rows in memory. They outlive a close: it is the same object that is opened again. */
function inMemory(): Promise<LevelRowsStore> {
  const rows = new MemoryLevel<Uint8Array, Uint8Array>({ ...ENCODINGS, storeEncoding: 'view' })
  return LevelRowsStore.open({
    async open() {
      await rows.open()
      return rows
    },
  })
}

/** Rows in LevelDB, in a directory of their own that goes when they are closed. */
function onDisk(): Promise<LevelRowsStore> {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-kit-'))
  return LevelRowsStore.open({
    async open() {
      const rows = new Level<Uint8Array, Uint8Array>(directory, ENCODINGS)
      await rows.open()
      return rows
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  })
}

/** Stores without a fault, by name. */
export const RIGHT_STORES: Readonly<Record<string, StoreUnderTest>> = {
  'this engine': { open: () => new EngineStore(), supports: EVERYTHING },
  '(key, time) rows over memory-level': { open: inMemory, supports: EVERYTHING },
  '(key, time) rows over level': { open: onDisk, supports: EVERYTHING },
  'the reference store': { open: () => new ReferenceStore(), supports: EVERYTHING },
  'the store of rules, with none broken': { open: () => new RulesStore(), supports: EVERYTHING },
}
