/**
 * The rules of order: what has to be durable before what. A power cut between two calls that keep them
 * leaves orphans at worst; between two that do not, it may leave half a commit, a reference to nothing, or
 * a promise that is broken. Laws 1, 4, 5 and 6 stand on them across a power cut.
 */

/** The rules, each as a sentence. */
export const ORDER_RULES = {
  'ceiling before time': 'a commit gets a time only at or below a ceiling that is durable (law 1)',
  'segment before successor': 'a log segment is durable before the next one is created',
  'tables before edit': 'table files are written, synced and named durably before an edit names them',
  'log before edit': 'the log is durable through the newest commit in the tables that an edit adds (law 5)',
  'catalog before edit':
    'every commit of the catalog is durable before an edit that was planned by it (law 4)',
  'freed before removed': 'the catalog has a tablet as freed, durably, before an edit removes its tree',
  'synced before said': 'an edit says no more of the log to be synced than is',
  'segment before edit': 'the first segment that an edit needs is durable',
  'manifest before name': 'a new manifest is durable before it takes the name of the old one',
  'segment before name': 'a segment that is repeated is durable, with every record, before it takes its name',
  'edit before unlink': 'a table goes once an edit without it is durable',
  'edit before segment goes': 'a log segment goes once an edit that does not need it is durable',
  'tables before segment goes': 'a log segment goes once tables have every commit in it (law 6)',
} as const

/** The name of one of {@link ORDER_RULES}. */
export type OrderRule = keyof typeof ORDER_RULES

/** A rule that was broken. */
export interface OrderFault {
  readonly rule: OrderRule
  /** By what. */
  readonly what: string
}
