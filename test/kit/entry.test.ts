/**
 * What `palimpsest/testing` brings along: fast-check, and nothing that a user of it may not have.
 */
import { expect, test } from 'vitest'
import { filesBelow, importsOf, resolveImport } from '../house/source.ts'

const sources = new Map(filesBelow('src', '.ts').map((file) => [file.path, file]))

/** The packages that are imported from a file on, through all files of this project. */
function packagesOf(entry: string): ReadonlySet<string> {
  const packages = new Set<string>()
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    const file = sources.get(path)!
    for (const specifier of importsOf(file)) {
      const target = resolveImport(file, specifier)
      if (target === undefined) packages.add(specifier)
      else visit(target)
    }
  }
  visit(entry)
  return packages
}

test('palimpsest/testing needs fast-check, and neither vitest nor Node', () => {
  const packages = packagesOf('src/testing.ts')
  expect(packages).toContain('fast-check')
  expect([...packages].filter((name) => name === 'vitest' || name.startsWith('node:'))).toEqual([])
})

test.each(['src/index.ts', 'src/simulator.ts', 'src/cli/main.ts'])('%s does not need fast-check', (entry) => {
  const packages = packagesOf(entry)
  expect(packages.size).toBeGreaterThan(0)
  expect(packages).not.toContain('fast-check')
})
