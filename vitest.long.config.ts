import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.long.test.ts'],
    testTimeout: 1_800_000,
    pool: 'threads',
    // Both of two cores: vitest would leave one free.
    maxWorkers: 2,
  },
})
