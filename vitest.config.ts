import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'threads',
    // Both of two cores: vitest would leave one free.
    maxWorkers: 2,
    // Sources have no state of their own, and what is compiled already stays compiled: half the processor time.
    isolate: false,
  },
})
