/**
 * What the main job found, for people: sections of at most 110 columns, and what to try next.
 */
import { FILES_TABLE } from '../lab/git/tables.ts'
import { GEOMETRY } from '../lab/main-job/databases.ts'
import { type RestoreStep } from '../lab/main-job/restore-step.ts'
import { type MainJobReport } from '../lab/main-job/main-job.ts'
import { type PolicyReport } from '../lab/main-job/policy-report.ts'
import { type Weighing, type WindowReport } from '../lab/main-job/weigh.ts'
import { GEOMETRIES } from '../storage/geometry.ts'
import { type Column, gridText } from './grid.ts'
import { type Session } from './session.ts'
import { bytesText, countText, lineText, manyText, messageText, shellText } from './text.ts'

/** The report as text. */
export function reportText(session: Session, report: MainJobReport): string {
  const { weighing, restore } = report
  return [
    session.styled('bold', 'History'),
    ...historyLines(report),
    '',
    session.styled('bold', 'Every moment read back, and compared with the tree that git recorded'),
    gridText(session, STEP_COLUMNS, stepRows(report)),
    '',
    session.styled('bold', 'What policies and retention windows cost'),
    ...replayLines(weighing),
    '',
    gridText(session, WINDOW_COLUMNS, weighing.windows.map(windowRow)),
    '',
    gridText(session, POLICY_COLUMNS, weighing.windows.flatMap(policyRows)),
    '',
    ...definitionLines(weighing).map((line) => session.styled('dim', line)),
    '',
    session.styled('bold', 'One commit restored, and undone'),
    ...restoreLines(restore, weighing.seed),
    '',
    ...verdictLines(session, report),
    '',
    `The databases stay in ${lineText(report.directory)}. Try next:`,
    ...nextCommands(report).map((line) => `  ${line}`),
  ].join('\n')
}

function historyLines({ source, levels, compactions, writeAmplification }: MainJobReport): readonly string[] {
  return [
    `  ${messageText(source.because)}`,
    `  ${manyText(source.commits, 'commit')} with ${manyText(source.changes, 'change')}, imported into ` +
      `${manyText(levels.length, 'level')} by ${manyText(compactions, 'compaction')}; ` +
      `write amplification ${writeAmplification.toFixed(2)}`,
  ]
}

const STEP_COLUMNS: readonly Column[] = [
  ['when', 'left'],
  ['commits', 'right'],
  ['matched', 'right'],
  ['mismatched', 'right'],
  ['unreadable', 'right'],
]

function stepRows({ steps }: MainJobReport): readonly (readonly string[])[] {
  return steps.map(({ step, verified: { commits, matched, mismatched, unreadable } }) => [
    step,
    ...[commits, matched, mismatched, unreadable].map(countText),
  ])
}

function replayLines({ replay, windows }: Weighing): readonly string[] {
  const { passes, commits, changes, squeeze } = replay
  const policies = windows.flatMap((window) => window.policies)
  const sum = (count: (report: PolicyReport) => number) =>
    countText(policies.reduce((total, each) => total + count(each), 0))
  return [
    `  the same history ${passes === 1 ? 'once' : `${countText(passes)} times over`}: ` +
      `${manyText(commits, 'commit')} with ${manyText(changes, 'change')} into each of ${policies.length} databases` +
      (squeeze === 1 ? '' : `, ${countText(squeeze)} times as fast as it happened`),
    ...(passes === 1
      ? []
      : ['  (each time goes back from the last tree to the first one, and on with later times)']),
    `  samples of their commits: ${sum(({ verified }) => verified.matched)} of ` +
      `${sum(({ verified }) => verified.commits)} proved by tree ids, ` +
      `${sum(({ refused }) => refused.unreadable)} of ${sum(({ refused }) => refused.commits)} ` +
      'that are no longer kept refused',
  ]
}

const WINDOW_COLUMNS: readonly Column[] = [
  ['window', 'right'],
  ['readable from', 'left'],
  ['through', 'left'],
  ['commits', 'right'],
  ['needs versions', 'right'],
  ['bytes', 'right'],
  ['space', 'right'],
]

function windowRow({ share, least, policies }: WindowReport): readonly string[] {
  const { readableFrom, readableThrough, readableCommits } = policies[0]!
  return [
    percentText(share),
    secondsText(readableFrom),
    secondsText(readableThrough),
    countText(readableCommits),
    countText(least.versions),
    bytesText(least.bytes),
    least.spaceAmplification.toFixed(2),
  ]
}

const POLICY_COLUMNS: readonly Column[] = [
  ['window', 'right'],
  ['policy', 'left'],
  ['write', 'right'],
  ['space', 'right'],
  ['most', 'right'],
  ['versions', 'right'],
  ['get: blocks', 'right'],
  ['bytes', 'right'],
  ['as of: blocks', 'right'],
  ['bytes', 'right'],
]

function policyRows({ share, policies }: WindowReport): readonly (readonly string[])[] {
  return policies.map((report) => [
    percentText(share),
    report.policy,
    report.writeAmplification.toFixed(2),
    report.spaceAmplification.toFixed(2),
    report.spaceAmplificationMost.toFixed(2),
    countText(report.versions),
    ...[report.now, report.past].flatMap(({ blocks, bytes }) => [
      blocks.toFixed(2),
      countText(Math.round(bytes)),
    ]),
  ])
}

/** What the numbers are, in the order of the columns. */
function definitionLines({ newest, windows, seed }: Weighing): readonly string[] {
  const policies = windows.flatMap((window) => window.policies)
  const gets = (cost: 'now' | 'past') => spanText(policies.map((policy) => policy[cost].gets))
  const { tableBytes, memtableBytes, blockBytes } = GEOMETRIES[GEOMETRY]
  return [
    '  window    share of the time from the first commit to the last that can be read, ending with the last',
    '  needs     what a full compaction of a copy leaves: the versions that can be seen, whatever the policy',
    '  write     bytes written by flush and compaction / bytes written by flush; the log is not in it',
    `  space     bytes of its table files / ${bytesText(newest.bytes)}, which the ` +
      `${manyText(newest.versions, 'file')} of the last commit take alone`,
    '  most      the most that it was, looked at after every 64 commits: space rises until a large merge and falls',
    '            with it, so that a history of another length may end with the policies in another order',
    '  versions  in its table files at the end, with what can go and has not gone yet',
    `  get       mean of ${gets('now')} gets of files that are there: blocks read, and their bytes; nothing is cached`,
    `  as of     the same for ${gets('past')} gets as of commits that can be read`,
    `  All bytes and versions, and the levels and compactions above, are of the table ${FILES_TABLE} alone.`,
    '  Indexes and filters are in memory, and nothing is synced.',
    `  Table files of ${bytesText(tableBytes)}, memtables of ${bytesText(memtableBytes)}, blocks of ${bytesText(blockBytes)}; seed ${seed}.`,
  ]
}

function restoreLines({ chosenBy, position, proof, verified }: RestoreStep, seed: number): readonly string[] {
  const { commit, at, expected, before, restored, undone, remembered } = proof
  const compared = (found: string, wanted: string) => (found === wanted ? 'as it has to be' : `NOT ${wanted}`)
  const by = chosenBy === 'name' ? 'as asked for' : `chosen by seed ${seed}; --restore-to names another`
  return [
    `  commit ${commit} of ${secondsText(at)}`,
    `  number ${countText(position)} of ${manyText(verified.commits, 'commit')}, ${by}`,
    `  restored: tree ${restored}, ${restored === expected ? 'which git recorded' : `NOT ${expected}`}`,
    `  undone:   tree ${undone}, ${compared(undone, before)}`,
    `  as of the restore, read after the undo: tree ${remembered}, ${compared(remembered, expected)}`,
    `  every commit once more: ${countText(verified.matched)} of ${countText(verified.commits)} matched`,
  ]
}

function verdictLines(session: Session, { isProved, weighing, restore }: MainJobReport): readonly string[] {
  if (isProved)
    return [session.styled('green', 'Proved: every commit that can be read is what git recorded.')]
  const named = restore.chosenBy === 'name' ? ` --restore-to ${restore.proof.commit}` : ''
  return [
    session.styled('red', 'NOT PROVED: a commit is not what git recorded.'),
    `replay: palimpsest start --seed ${weighing.seed} --rows ${weighing.rowsMin}${named}`,
  ]
}

/** A count, or the least and the most of some. */
function spanText(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return least === most ? countText(most) : `${countText(least)} to ${countText(most)}`
}

/** A share as a percentage. */
function percentText(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`
}

/** The ISO form without decimals, for a table. */
function secondsText(at: string): string {
  return at.replace(/\.\d+Z$/, 'Z')
}

function nextCommands({ database, weighing, example }: MainJobReport): readonly string[] {
  const place = shellText(database)
  const key = example.path.startsWith('-') ? `-- ${shellText(example.path)}` : shellText(example.path)
  const weighed = weighing.windows.at(-1)!.policies.at(-1)!.directory
  return [
    `npx palimpsest get ${place} git.files --as-of ${example.time} ${key}`,
    `npx palimpsest git restore-check ${place} --restores 20 --seed 2`,
    `npx palimpsest stats ${shellText(weighed)}`,
  ]
}
