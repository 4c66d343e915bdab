/**
 * Runs tests on sources with the mutant that `MUTANT` names, or with none. The patch is applied as the
 * sources are loaded: no file is touched, so several mutants can run side by side.
 */
import { relative } from 'node:path'
import { cwd, env } from 'node:process'
import { type ViteUserConfig, defineConfig } from 'vitest/config'
import { readMutants, mutated } from './mutant.ts'

const id = env['MUTANT'] ?? ''
const mutant = id === '' ? undefined : readMutants(cwd()).find((one) => one.id === id)
if (id !== '' && mutant === undefined) throw new Error(`no mutant ${id}`)

const config: ViteUserConfig = defineConfig({
  plugins: [
    {
      name: 'mutant',
      enforce: 'pre',
      transform: (text, file) => {
        const path = relative(cwd(), file)
        return mutant?.hunks.some((hunk) => hunk.path === path) === true
          ? mutated(mutant, path, text)
          : undefined
      },
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/mutants/setup.ts'],
    // A canary fails on purpose, and wants the shortest case, which nobody looks for here.
    testNamePattern: /^(?!.*a canary)/,
    // A slow machine kills no mutant.
    testTimeout: 300_000,
    pool: 'threads',
    // In order, so that the first test that fails is the same one every time.
    maxWorkers: 1,
    bail: 1,
    cache: false,
  },
})

export default config
