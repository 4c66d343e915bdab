/**
 * The simulated disk with the memory of the operating system above it: files apart from their names,
 * what programs see of both, and what of it would survive.
 *
 * It has no opinion on what may happen: it is told the fate of each thing that is pending (see
 * `crash-models.ts`) and builds the disk that a power cut leaves. Images share all bytes with the disk
 * they come from, so that one costs little more than its lists of names.
 */
import { bytesOfText } from '../base/bytes.ts'
import { defined } from '../base/assert.ts'
import { Directory, FileTree, type Move, type Slot } from '../storage/file-tree.ts'
import { type DiskNode, type EntryChange, type EntryFate, EntryJournal } from './entry-journal.ts'
import { type DataFate, Inode, type PendingCut, type PendingWrite } from './inode.ts'

/** A write or a cut of a file, or a change of names, that a power cut may lose. */
export type PendingItem =
  | { readonly kind: 'write'; readonly order: number; readonly inode: Inode; readonly write: PendingWrite }
  | { readonly kind: 'cut'; readonly order: number; readonly inode: Inode; readonly cut: PendingCut }
  | { readonly kind: 'entry'; readonly order: number; readonly change: EntryChange }

/** What reached the disk of a pending item. */
export type Fate = DataFate | EntryFate

/** The fate of each pending item, by its order. What is not in it is lost. */
export type Fates = ReadonlyMap<number, Exclude<Fate, undefined>>

/** Facts about a file, for monitors of what is durable when. */
export interface FileFacts {
  /** Tells files apart: two names of one file have the same number. */
  readonly inode: number
  readonly size: number
  /** Whether all of its bytes and its length will survive a power cut. */
  readonly bytesDurable: boolean
  /** Whether this name, and the directories on the way to it, will survive a power cut. */
  readonly nameDurable: boolean
}

/** Contents that no file has any more, kept as a source of stale sectors. */
const GHOSTS_MAX = 8

/** What programs see, what is durable, and what is between. */
export class Disk {
  readonly tree: FileTree<Inode>
  readonly #journal: EntryJournal
  /** Files that have something pending. */
  #unsynced: Set<Inode> = new Set()
  #ghosts: Uint8Array[]
  #nextInode: number
  #nextOrder = 1

  constructor(
    tree: FileTree<Inode> = new FileTree(),
    journal: EntryJournal = new EntryJournal(tree.root),
    parent?: Disk,
  ) {
    this.tree = tree
    this.#journal = journal
    this.#ghosts = parent === undefined ? [] : [...parent.#ghosts]
    this.#nextInode = parent === undefined ? 1 : parent.#nextInode
  }

  createFile(slot: Slot<Inode>, path: string): Inode {
    const inode = new Inode(this.#nextInode++, path)
    this.#bind(slot, inode, `create ${path}`)
    return inode
  }

  makeDirectory(path: string): void {
    this.tree.makeDirectory(path, (slot, made) => {
      const directory = defined(slot.node, 'a directory that was just made') as Directory<Inode>
      this.#journal.addDirectory(directory)
      this.#bind(slot, directory, `makeDirectory ${made}`)
    })
  }

  link(move: Move<Inode>, from: string, to: string): void {
    this.#bind(move.target, move.file, `link ${from} to ${to}`)
  }

  rename({ file, source, target }: Move<Inode>, from: string, to: string): void {
    if (target.node !== undefined) this.#remember(target.node)
    source.directory.entries.delete(source.name)
    target.directory.entries.set(target.name, file)
    const description = `rename ${from} to ${to}`
    this.#journal.record({
      order: this.#nextOrder++,
      description,
      node: file,
      binds: target,
      removes: source,
    })
  }

  remove(slot: Slot<Inode>, path: string): void {
    const node = defined(slot.node, 'a name that is to be removed')
    this.#remember(node)
    slot.directory.entries.delete(slot.name)
    this.#journal.record({ order: this.#nextOrder++, description: `remove ${path}`, node, removes: slot })
  }

  append(inode: Inode, bytes: Uint8Array): void {
    inode.append(bytes, this.#nextOrder++)
    this.#unsynced.add(inode)
  }

  truncate(inode: Inode, length: number): void {
    this.#remember(inode)
    inode.truncate(length, this.#nextOrder++)
    this.#unsynced.add(inode)
  }

  sync(inode: Inode): void {
    inode.sync()
    if (inode.isDurable) this.#unsynced.delete(inode)
  }

  syncDirectory(directory: Directory<Inode>): void {
    this.#journal.sync(directory)
  }

  /** A failed sync of a directory. */
  abandonDirectory(directory: Directory<Inode>): void {
    this.#journal.abandon(directory)
  }

  /** Everything that a power cut may lose, in the order in which it was done. */
  pending(): readonly PendingItem[] {
    const items: PendingItem[] = this.#journal.pending.map((change) => ({
      kind: 'entry',
      order: change.order,
      change,
    }))
    if (this.#unsynced.size > 0) {
      const reachable = this.#journal.reachable()
      for (const inode of this.#unsynced) {
        if (!reachable.has(inode)) {
          // Its last name is gone durably: no power cut brings it back.
          this.#unsynced.delete(inode)
          continue
        }
        for (const data of inode.pending) {
          if (data.kind === 'append') items.push({ kind: 'write', order: data.order, inode, write: data })
          else items.push({ kind: 'cut', order: data.order, inode, cut: data })
        }
      }
    }
    return items.sort((a, b) => a.order - b.order)
  }

  /** Contents from which a stale sector can come: of files that are there, and of some that no longer are. */
  staleSources(): readonly Uint8Array[] {
    const sources = [...this.#ghosts]
    for (const node of this.#journal.reachable()) if (node instanceof Inode) sources.push(node.live)
    return sources.filter((bytes) => bytes.length > 0)
  }

  /** The disk after a power cut, of each pending item what its fate says. */
  afterPowerCut(fates: Fates): Disk {
    const root = new Directory<Inode>()
    const journal = new EntryJournal(root)
    const namesIn = this.#journal.afterPowerCut((order) => fates.get(order) as EntryFate)
    const copies = new Map<DiskNode, DiskNode>()
    const copyOfNode = (node: DiskNode): DiskNode => {
      const known = copies.get(node)
      if (known !== undefined) return known
      const copy =
        node instanceof Inode
          ? node.afterPowerCut((order) => fates.get(order) as DataFate)
          : new Directory<Inode>()
      copies.set(node, copy)
      if (node instanceof Directory) fill(node, copy as Directory<Inode>)
      return copy
    }
    const fill = (from: Directory<Inode>, to: Directory<Inode>): void => {
      for (const [name, node] of namesIn(from)) to.entries.set(name, copyOfNode(node))
      journal.addDirectory(to, to.entries)
    }
    fill(this.tree.root, root)
    return new Disk(new FileTree(root), journal, this)
  }

  /** The disk after the death of the process: nothing is lost, and what was pending still is. */
  afterProcessDeath(): Disk {
    const root = new Directory<Inode>()
    const copies = new Map<DiskNode, DiskNode>([[this.tree.root, root]])
    const copyOfNode = (node: DiskNode): DiskNode => {
      const known = copies.get(node)
      if (known !== undefined) return known
      const copy = node instanceof Inode ? node.copy() : new Directory<Inode>()
      copies.set(node, copy)
      if (node instanceof Directory) fill(node, copy as Directory<Inode>)
      return copy
    }
    const fill = (from: Directory<Inode>, to: Directory<Inode>): void => {
      for (const [name, node] of from.entries) to.entries.set(name, copyOfNode(node))
    }
    fill(this.tree.root, root)
    const image = new Disk(new FileTree(root), this.#journal.copy(root, copyOfNode), this)
    image.#nextOrder = this.#nextOrder
    for (const inode of this.#unsynced) {
      const copy = copies.get(inode)
      if (copy instanceof Inode) image.#unsynced.add(copy)
    }
    return image
  }

  /** Facts about the file of this name. */
  facts(path: string): FileFacts | undefined {
    const inode = this.tree.findFile('size', path)
    if (inode === undefined) return undefined
    let durable: DiskNode | undefined = this.tree.root
    for (const name of path.split('/')) {
      durable = durable instanceof Directory ? this.#journal.durableNames(durable).get(name) : undefined
    }
    return {
      inode: inode.id,
      size: inode.length,
      bytesDurable: inode.isDurable,
      nameDurable: durable === inode,
    }
  }

  /** The same text for disks that hold the same: names, links and bytes, seen and durable. */
  key(): string {
    const live = keyOf(
      this.tree.root,
      (directory) => directory.entries,
      (inode) => inode.live,
    )
    if (this.#journal.pending.length === 0 && this.#unsynced.size === 0) return live
    const durable = keyOf(
      this.tree.root,
      (directory) => this.#journal.durableNames(directory),
      (inode) => inode.durable,
    )
    return `${live}+${durable}`
  }

  #bind(slot: Slot<Inode>, node: DiskNode, description: string): void {
    slot.directory.entries.set(slot.name, node)
    this.#journal.record({ order: this.#nextOrder++, description, node, binds: slot })
  }

  #remember(node: DiskNode): void {
    if (!(node instanceof Inode) || node.length === 0) return
    this.#ghosts.push(node.live)
    if (this.#ghosts.length > GHOSTS_MAX) this.#ghosts.shift()
  }
}

function keyOf(
  root: Directory<Inode>,
  namesIn: (directory: Directory<Inode>) => ReadonlyMap<string, DiskNode>,
  bytesOf: (inode: Inode) => Uint8Array,
): string {
  const numbers = new Map<Inode, number>()
  const lines: string[] = []
  const visit = (directory: Directory<Inode>, path: string): void => {
    for (const name of [...namesIn(directory).keys()].sort()) {
      const node = defined(namesIn(directory).get(name), 'a name of the list')
      if (node instanceof Directory) {
        lines.push(`${path}${name}/`)
        visit(node, `${path}${name}/`)
        continue
      }
      const number = numbers.get(node) ?? numbers.size
      numbers.set(node, number)
      lines.push(`${path}${name} ${number} ${hashOf(bytesOf(node))}`)
    }
  }
  visit(root, '')
  return hashBytes(bytesOfText(lines.join('\n')))
}

const hashes = new WeakMap<Uint8Array, string>()

/** The hash of bytes that never change, worked out once. */
function hashOf(bytes: Uint8Array): string {
  let hash = hashes.get(bytes)
  if (hash === undefined) hashes.set(bytes, (hash = hashBytes(bytes)))
  return hash
}

/** 64 bits from two multiplicative hashes, and the length. Not for foes. */
function hashBytes(bytes: Uint8Array): string {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x5bd1e995) ^ (b >>> 15)
  }
  return [a, b, bytes.length].map((part) => (part >>> 0).toString(16).padStart(8, '0')).join('')
}
