import { defineConfig, mergeConfig } from 'vitest/config'
import { coverageReport, thresholds } from './test/coverage/report.ts'
import tests from './vitest.config.ts'

export default mergeConfig(
  tests,
  defineConfig({
    test: {
      reporters: ['dot', coverageReport],
      coverage: {
        enabled: true,
        provider: 'v8',
        include: ['src/**/*.ts'],
        reporter: ['html'],
        thresholds: thresholds(),
      },
    },
  }),
)
