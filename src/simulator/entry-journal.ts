/**
 * The names of the simulated disk: which are durable, and what was done to the others, in order.
 *
 * A change *binds* a name in a directory (create, link, make a directory), *removes* one, or does both
 * (rename). Syncing a directory settles the changes in it, and nothing of the files behind them.
 * Until then a power cut keeps any of them, in any combination, under these rules:
 *
 * - A rename within a directory happens or does not.
 * - A rename to another directory leaves the old name, the new one, or both, until *both* directories
 *   are synced; never neither. So whatever takes the old name again carries the new name with it.
 * - A removal takes a name only from the file that it was removed from.
 * - What is settled is not undone by an older change that reaches the disk later.
 *
 * A failed sync abandons the changes in the directory: no later sync settles them.
 */
import { assert } from '../base/assert.ts'
import { Directory, type TreeNode } from '../storage/file-tree.ts'
import { type Fate } from './fates.ts'
import { type Inode } from './inode.ts'

/** A file or a directory of the simulated disk. */
export type DiskNode = TreeNode<Inode>

/** A name in a directory. */
export interface Place {
  readonly directory: Directory<Inode>
  readonly name: string
}

/** A change of names. */
export interface EntryChange {
  /** Its place among all that is pending on the disk. */
  readonly order: number
  /** For people: `rename CURRENT.new to CURRENT`. */
  readonly description: string
  readonly node: DiskNode
  readonly binds?: Place | undefined
  readonly removes?: Place | undefined
}

/** A change that is not settled, and how far it is. */
interface PendingChange extends EntryChange {
  /** Renames that had freed the name it binds: their file must not be left without a name. */
  readonly requires: readonly PendingChange[]
  abandoned: boolean
  /** The new name is durable. */
  bound: boolean
  /** The old name's directory was synced, so the old name goes as soon as the new one is durable. */
  removable: boolean
  /** The old name is gone durably. */
  removed: boolean
}

/** The durable names of one directory. */
interface DurableNames {
  readonly names: Map<string, DiskNode>
  /** The order of the change that settled a name, while older changes of it may be pending. */
  readonly settled: Map<string, number>
}

/** The durable names of all directories, and the changes that are pending. */
export class EntryJournal {
  readonly #durable: Map<Directory<Inode>, DurableNames> = new Map()
  #pending: PendingChange[] = []

  /** The journal of a disk with an empty root. */
  constructor(root: Directory<Inode>) {
    this.addDirectory(root)
  }

  /** Takes in a directory whose durable names are these. */
  addDirectory(directory: Directory<Inode>, names: ReadonlyMap<string, DiskNode> = new Map()): void {
    this.#durable.set(directory, { names: new Map(names), settled: new Map() })
  }

  /** The changes that are not settled, in order. */
  get pending(): readonly EntryChange[] {
    return this.#pending
  }

  /** The durable names of a directory. */
  durableNames(directory: Directory<Inode>): ReadonlyMap<string, DiskNode> {
    return this.#of(directory).names
  }

  /** Every file and directory that some name may show after a power cut. */
  reachable(): Set<DiskNode> {
    const nodes = new Set<DiskNode>(this.#pending.map((change) => change.node))
    for (const { names } of this.#durable.values()) for (const node of names.values()) nodes.add(node)
    return nodes
  }

  /** Whether a change that is pending may take this place from the node that durably has it. */
  isContested(place: Place, node: DiskNode): boolean {
    return this.#pending.some((change) => {
      const takes = change.node === node ? change.removes : change.binds
      return isPlace(takes, place) && this.#isNewer(place, change)
    })
  }

  record(change: EntryChange): void {
    const binds = change.binds
    const requires = this.#pending.filter((earlier) => {
      return binds !== undefined && earlier.binds !== undefined && isPlace(earlier.removes, binds)
    })
    const state = { requires, abandoned: false, bound: false, removable: false, removed: false }
    this.#pending.push({ ...change, ...state })
  }

  /** Settles the changes in a directory. */
  sync(directory: Directory<Inode>): void {
    for (const change of this.#pending) {
      if (change.abandoned) continue
      if (change.binds?.directory === directory) this.#settleBinding(change)
      if (change.removes?.directory === directory) {
        change.removable = true
        this.#settleRemoval(change)
      }
    }
    this.#pending = this.#pending.filter((change) => !isSettled(change))
    const oldest = this.#pending[0]?.order ?? Infinity
    const { settled } = this.#of(directory)
    for (const [name, order] of settled) if (order < oldest) settled.delete(name)
  }

  /** What a failed sync of a directory does. */
  abandon(directory: Directory<Inode>): void {
    for (const change of this.#pending) {
      const touches = change.binds?.directory === directory || change.removes?.directory === directory
      if (touches) change.abandoned = true
    }
  }

  /** The names that a power cut leaves in each directory, of each change what `fateOf` its order says. */
  afterPowerCut(
    fateOf: (order: number) => Fate,
  ): (directory: Directory<Inode>) => ReadonlyMap<string, DiskNode> {
    const names = new Map<Directory<Inode>, Map<string, DiskNode>>()
    const namesOf = (directory: Directory<Inode>): Map<string, DiskNode> => {
      const known = names.get(directory) ?? new Map(this.#of(directory).names)
      names.set(directory, known)
      return known
    }
    const fates = this.#closedFates(fateOf)
    for (const change of this.#pending) {
      const fate = fates.get(change)
      if (fate === undefined) continue
      const { binds, removes, node } = change
      if (binds !== undefined && this.#isNewer(binds, change)) namesOf(binds.directory).set(binds.name, node)
      if (removes === undefined || fate === 'both' || !this.#isNewer(removes, change)) continue
      const left = namesOf(removes.directory)
      if (left.get(removes.name) === node) left.delete(removes.name)
    }
    return (directory) => names.get(directory) ?? this.#of(directory).names
  }

  /** The same names and changes over the nodes of another disk, whose root is given. */
  copy(root: Directory<Inode>, nodeOf: (node: DiskNode) => DiskNode): EntryJournal {
    const copy = new EntryJournal(root)
    const directoryOf = (directory: Directory<Inode>): Directory<Inode> => {
      const other = nodeOf(directory)
      assert(other instanceof Directory, 'a directory is copied to a directory')
      return other
    }
    const placeOf = (place: Place | undefined): Place | undefined =>
      place && { directory: directoryOf(place.directory), name: place.name }
    for (const [directory, { names, settled }] of this.#durable) {
      const copied = new Map([...names].map(([name, node]) => [name, nodeOf(node)]))
      copy.#durable.set(directoryOf(directory), { names: copied, settled: new Map(settled) })
    }
    const changes = new Map<PendingChange, PendingChange>()
    for (const change of this.#pending) {
      const requires = change.requires.flatMap((earlier) => changes.get(earlier) ?? [])
      const places = { binds: placeOf(change.binds), removes: placeOf(change.removes) }
      changes.set(change, { ...change, ...places, node: nodeOf(change.node), requires })
    }
    copy.#pending = [...changes.values()]
    return copy
  }

  /** Fates in which no rename is lost while its old name was taken again. */
  #closedFates(fateOf: (order: number) => Fate): ReadonlyMap<PendingChange, Fate> {
    const fates = new Map<PendingChange, Fate>()
    for (const change of this.#pending) {
      const fate = fateOf(change.order)
      if (fate !== undefined) fates.set(change, fate)
    }
    for (const change of this.#pending.toReversed()) {
      if (!fates.has(change)) continue
      for (const earlier of change.requires) if (!fates.has(earlier)) fates.set(earlier, 'kept')
    }
    return fates
  }

  #settleBinding(change: PendingChange): void {
    if (change.bound || change.binds === undefined) return
    change.bound = true
    for (const earlier of change.requires) this.#settleBinding(earlier)
    this.#settle(change.binds, change, change.node)
    this.#settleRemoval(change)
  }

  #settleRemoval(change: PendingChange): void {
    const waits = change.binds !== undefined && !change.bound
    if (change.removes === undefined || change.removed || !change.removable || waits) return
    change.removed = true
    this.#settle(change.removes, change, undefined)
  }

  #settle(place: Place, change: PendingChange, node: DiskNode | undefined): void {
    if (!this.#isNewer(place, change)) return
    const { names, settled } = this.#of(place.directory)
    settled.set(place.name, change.order)
    if (node === undefined) names.delete(place.name)
    else names.set(place.name, node)
  }

  /** Whether nothing later than this change has settled the name. */
  #isNewer(place: Place, change: PendingChange): boolean {
    return change.order > (this.#of(place.directory).settled.get(place.name) ?? -1)
  }

  #of(directory: Directory<Inode>): DurableNames {
    const durable = this.#durable.get(directory)
    assert(durable !== undefined, 'every directory has durable names')
    return durable
  }
}

function isPlace(place: Place | undefined, other: Place): boolean {
  return place !== undefined && place.directory === other.directory && place.name === other.name
}

function isSettled(change: PendingChange): boolean {
  return (change.binds === undefined || change.bound) && (change.removes === undefined || change.removed)
}
