/**
 * The command `help`: the help of the command that its words name, as `--help` behind them would print it.
 *
 * Commander's own takes one word, and answers a word that names nothing with the help of everything.
 */
import { type Command } from 'commander'
import { PalimpsestError } from '../base/errors.ts'
import { examples } from './options.ts'

/** Gives a program, and each of its commands that has commands, the command `help`. */
export function registerHelp(group: Command): void {
  const children = group.commands.filter(({ commands }) => commands.length > 0)
  for (const child of children) registerHelp(child)
  const path = pathOf(group)
  const example = group.commands.find(({ commands }) => commands.length > 0) ?? group.commands[0]!
  group.helpCommand(false)
  group
    .command('help')
    .description('display help for a command')
    .argument('[command...]', 'its name; of one below another, both')
    .addHelpText(
      'after',
      examples([`${path} help ${[example, ...example.commands].slice(0, 2).map(nameOf).join(' ')}`]),
    )
    .action((words: readonly string[]) => printHelp(group, words))
}

async function printHelp(group: Command, [word, ...rest]: readonly string[]): Promise<void> {
  // Throws what the run of the command line prints.
  if (word === undefined) group.help()
  const found = group.commands.find((command) => command.name() === word)
  if (found !== undefined) return printHelp(found, rest)
  if (group.commands.length === 0) {
    throw new PalimpsestError(
      'INVALID_ARGUMENT',
      `${pathOf(group)} has no commands below it, so no '${word}'`,
    )
  }
  // Refuses it, with the names that are like it.
  await group.parseAsync([word], { from: 'user' })
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

function nameOf(command: Command): string {
  return command.name()
}
