#!/usr/bin/env node
// The command line, as it was built. A clone builds it with `npm ci` or `npm run build`.
import { existsSync } from 'node:fs'

const main = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(main)) {
  await import(main.href)
} else {
  process.stderr.write('palimpsest: it is not built yet: run "npm ci" or "npm run build" in its directory\n')
  process.exitCode = 1
}
