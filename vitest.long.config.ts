import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.long.test.ts'],
    // What takes a quarter of an hour on one machine takes half an hour on another: this is for what never ends.
    testTimeout: 5_400_000,
    pool: 'threads',
    // Both of two cores: vitest would leave one free.
    maxWorkers: 2,
  },
})
