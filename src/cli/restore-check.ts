/**
 * Restores of git histories, proved by tree ids: `git restore-check`.
 */
import { type Command, InvalidArgumentError } from 'commander'
import { type RestoreProof } from '../lab/git/restore-check.ts'
import { examples, openToWrite, parseCount, seedOption } from './options.ts'
import { type Session } from './session.ts'
import { countText, manyText, shellText } from './text.ts'

interface RestoreCheckFlags {
  readonly restores: number
  readonly seed: number
}

/** Adds the command to those about git histories. */
export function registerRestoreCheck(git: Command, session: Session): void {
  git
    .command('restore-check')
    .description('restore commits chosen by a seed, compare each tree with git, undo; exit 1 on a mismatch')
    .argument('<dir>', 'the directory of the database')
    .option('--restores <n>', 'how many restores', parseRestores, 50)
    .addOption(seedOption('chooses the commits'))
    .addHelpText(
      'after',
      `
Every restore and undo is a commit that stays listed; no data is touched. If it
is interrupted, the last restore may not be undone: palimpsest restores names
it, palimpsest undo takes it back.`,
    )
    .addHelpText(
      'after',
      examples([
        'palimpsest git restore-check history.palimpsest',
        'palimpsest git restore-check history.palimpsest --restores 200 --seed 7 --json',
      ]),
    )
    .action((directory: string, flags: RestoreCheckFlags) => restoreCheck(session, directory, flags))
}

/** No restore would prove nothing, and say that all is well. */
function parseRestores(text: string): number {
  const restores = parseCount(text)
  if (restores === 0) throw new InvalidArgumentError('It is at least 1.')
  return restores
}

async function restoreCheck(
  session: Session,
  directory: string,
  { restores, seed }: RestoreCheckFlags,
): Promise<void> {
  const { checkRestores } = await import('../lab/git/restore-check.ts')
  using database = await openToWrite(session, directory)
  const found = await checkRestores(database, {
    restores,
    seed,
    onProgress: (done, total) => session.progress('restoring commits', done, total),
  })
  if (found.failed > 0) session.exitCode = 1
  await session.result(found, () => {
    const { readable, proved, failed, firstFailure } = found
    const counts = session.styled(
      failed > 0 ? 'red' : 'green',
      `${countText(proved)} proved, ${countText(failed)} failed`,
    )
    const of = `chosen by seed ${seed} of ${countText(readable)} that can be read`
    const lines = [`${manyText(restores, 'restore')} to commits ${of}, each undone: ${counts}`]
    if (firstFailure !== undefined) {
      const replay = `palimpsest git restore-check ${shellText(directory)} --restores ${restores} --seed ${seed}`
      lines.push(...failureLines(firstFailure), `replay: ${replay}`)
    }
    return lines.join('\n')
  })
}

function failureLines(proof: RestoreProof): readonly string[] {
  const { commit, restore, expected, restored, before, undone, remembered, endsWithCommit } = proof
  return [
    `first failure: ${restore}, to commit ${commit}`,
    `  restored: tree ${restored}, expected ${expected}`,
    `  undone:   tree ${undone}, expected ${before}`,
    `  as of the restore, after the undo: tree ${remembered}, expected ${expected}`,
    `  the commits listed after the restore ${endsWithCommit ? 'ended' : 'DID NOT END'} with this one`,
  ]
}
