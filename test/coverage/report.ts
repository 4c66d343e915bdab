/**
 * Branch coverage, folder by folder: how much each must have, and what is printed of it.
 *
 * Where a wrong branch loses data without a sound, all of them are taken; elsewhere nine of ten are. What
 * the measure passes over is listed with its reason.
 */
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Reporter } from 'vitest/node'
import { ROOT, filesBelow } from '../house/source.ts'
import { passedOver } from './passed-over.ts'

/** Time, the rules of history, and all that is written to disk and read back. */
const WHOLE: readonly string[] = ['base', 'time', 'storage', 'history']
const REST_PERCENT = 90

/** The least percentage of branches that the tests take in a folder of src. */
function leastOf(folder: string): number {
  return WHOLE.includes(folder) ? 100 : REST_PERCENT
}

/** The thresholds of all folders, as vitest takes them. */
export function thresholds(): Record<string, { readonly branches: number }> {
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  return Object.fromEntries(folders.map(({ name }) => [`src/${name}/**`, { branches: leastOf(name) }]))
}

interface BranchCounts {
  taken: number
  all: number
}

/** The part of istanbul's coverage map that is read here: of each file, how often each branch was taken. */
interface CoverageMap {
  readonly data: Readonly<Record<string, { readonly b: Readonly<Record<string, readonly number[]>> }>>
}

/** The branches of each folder of src. */
function branchesByFolder({ data }: CoverageMap): ReadonlyMap<string, BranchCounts> {
  const folders = new Map<string, BranchCounts>()
  for (const [path, { b: branches }] of Object.entries(data)) {
    const [, folder, ...below] = relative(ROOT, path).replaceAll('\\', '/').split('/')
    const counts = folders.get(below.length > 0 ? folder! : '(src)') ?? { taken: 0, all: 0 }
    folders.set(below.length > 0 ? folder! : '(src)', counts)
    for (const ways of Object.values(branches)) {
      counts.all += ways.length
      counts.taken += ways.filter((times) => times > 0).length
    }
  }
  return folders
}

function folderLine(folder: string, { taken, all }: BranchCounts): string {
  const percent = all === 0 ? 100 : (100 * taken) / all
  const shown = (Math.floor(percent * 10) / 10).toFixed(1)
  const least = folder === '(src)' ? '' : `   at least ${leastOf(folder)} %`
  return `  ${folder.padEnd(12)} ${shown.padStart(5)} %  ${String(taken).padStart(5)} of ${String(all).padStart(5)}${least}`
}

/** Prints the branches of each folder, and what is passed over. */
export const coverageReport: Reporter = {
  onCoverage(coverage) {
    const folders = [...branchesByFolder(coverage as CoverageMap)].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const places = passedOver(filesBelow('src', '.ts'))
    const lines = [
      'Branches that the tests take:',
      ...folders.map(([folder, counts]) => folderLine(folder, counts)),
      `Passed over: ${places.length}`,
      ...places.map(({ path, line, reason }) => `  ${path}:${line}  ${reason}`),
    ]
    process.stdout.write(`\n${lines.join('\n')}\n`)
  },
}
