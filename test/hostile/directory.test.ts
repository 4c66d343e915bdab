import { appendFileSync } from 'node:fs'
const out = (...a: unknown[]) => {
  appendFileSync('/tmp/w-hostile-out.txt', a.join(' ') + '\n')
}
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { drawAttacks } from '../../src/testing/hostile/attack.ts'
import { buildScene } from '../../src/testing/hostile/scene.ts'
import { tryAttacks } from '../../src/testing/hostile/trial.ts'
test('x', () => {
  const seen = new Map<string, number>()
  let bad = 0
  const t = performance.now()
  for (const s of [1, 2, 3]) {
    const scene = buildScene(s, 36, crc32)
    out([...scene.directory].map(([n, b]) => `${n}:${b.length}`).join(' '), scene.steps.length)
    const base = tryAttacks(scene, [], { readOnly: false, random: seededRandom(1) })
    expect(base).toEqual({ answers: 'right', refusedBy: undefined, hasFaults: false })
    for (let seed = 0; seed < 100; seed++) {
      const random = seededRandom(seed)
      const attacks = drawAttacks(scene.directory, 1, random, crc32)
      try {
        const o = tryAttacks(scene, attacks, { readOnly: seed % 3 === 0, random })
        const k = `${attacks[0]!.kind} ${o.answers} ${o.refusedBy} ${o.hasFaults}`
        seen.set(k, (seen.get(k) ?? 0) + 1)
      } catch (e) {
        if (bad++ < 12)
          out(
            s,
            seed,
            (e as Error).message.substring(0, 600),
            (e as Error).stack
              ?.split('\n')
              .filter((l) => l.includes('src/'))
              .slice(0, 7)
              .join('\n'),
          )
      }
    }
  }
  out(
    bad,
    performance.now() - t,
    [...seen]
      .sort()
      .map((e) => e.join(' '))
      .join('\n'),
  )
})
