/**
 * The commands of scripts about time, which nothing else moves.
 */
import { formatExact } from '../../time/hybrid-time.ts'
import { type ScriptCommand, silently } from './command.ts'
import { type ScriptSession } from './session.ts'

/** `at`, `clock`, `advance`, `jump`, `confirm`. */
export const CLOCK_COMMANDS: readonly ScriptCommand[] = [
  {
    usage: 'at MICROSECOND: COMMAND',
    about: 'puts the clock at a microsecond, then does what the command says',
    // As it is written here, a line is read before its commands are looked up.
    read: (given) => {
      throw given.refusal('behind "at" stand a microsecond with a colon, and a command')
    },
  },
  {
    usage: 'clock [MICROSECOND]',
    about: 'puts the clock at a microsecond, or says where it stands',
    read: (given) => {
      const text = given.optionalName('a microsecond')
      if (text === undefined) return clockLines
      const micros = given.micros(text)
      return silently((session) => session.setClock(micros))
    },
  },
  {
    usage: 'advance DURATION',
    about: 'lets time pass',
    read: (given) => {
      const micros = given.duration(given.name('a duration'))
      return silently((session) => session.setClock(session.micros + micros))
    },
  },
  {
    usage: 'jump DURATION',
    about: 'moves the wall clock ahead without time passing, as a faulty time server does',
    read: (given) => {
      const micros = given.duration(given.name('a duration'))
      return silently((session) => session.jumpWall(micros))
    },
  },
  {
    usage: 'confirm',
    about: 'takes the wall clock for right after a jump',
    read: () => silently((session) => session.database.confirmClock()),
  },
]

function clockLines(session: ScriptSession): readonly string[] {
  return [`the clock shows ${session.micros}; the newest time is ${formatExact(session.database.newest)}`]
}
