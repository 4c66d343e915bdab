/** Small git repositories, made at once by `git fast-import`. */
import { execFileSync } from 'node:child_process'

/** Makes a repository whose commits, by default one a minute, each change one of three files, or now and then delete one. */
export function makeRepository(directory: string, commits: number, { secondsBetween = 60 } = {}): void {
  const stream = Array.from({ length: commits }, (_, i) => {
    const file = `file-${i % 3}`
    const change = i % 7 === 6 ? `D ${file}\n` : `M 644 inline ${file}\ndata <<end\n${i}\nend\n\n`
    return `commit refs/heads/main\ncommitter a <a@b.c> ${1_700_000_000 + secondsBetween * i} +0000\ndata 0\n${change}\n`
  })
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', directory])
  execFileSync('git', ['-C', directory, 'fast-import', '--quiet'], { input: stream.join('') })
}
