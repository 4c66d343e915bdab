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
    // Files share the modules that they load, and what is compiled of them: no test may count on modules of its own.
    isolate: false,
  },
})
