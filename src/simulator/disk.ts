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
import { partsOfPath } from '../storage/file-rules.ts'
import { Directory, FileTree } from '../storage/file-tree.ts'
import { type DiskNode, type EntryChange, EntryJournal, type Place } from './entry-journal.ts'
import { type Fates } from './fates.ts'
import { Inode, type PendingCut, type PendingWrite } from './inode.ts'

/** A write or a cut of a file, or a change of names, that a power cut may lose. */
export type PendingItem =
  | { readonly kind: 'write'; readonly order: number; readonly inode: Inode; readonly write: PendingWrite }
  | { readonly kind: 'cut'; readonly order: number; readonly inode: Inode; readonly cut: PendingCut }
  | { readonly kind: 'entry'; readonly order: number; readonly change: EntryChange }

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

/** A content that no file shows. */
interface Ghost {
  readonly bytes: Uint8Array
  /** Whether it lies behind the end of a file since a power cut, and so belongs to what the disk holds. */
  readonly isUnseen: boolean
}

/** So many contents that no file has any more, or none ever showed, are kept as a source of stale sectors. */
const GHOSTS_MAX = 8

/** What programs see, what is durable, and what is between. */
export class Disk {
  readonly tree: FileTree<Inode>
  readonly #journal: EntryJournal
  /** Files that have something pending. */
  #unsynced: Set<Inode> = new Set()
  #ghosts: Ghost[]
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

  createFile(operation: 'create' | 'lock', path: string): Inode {
    const slot = this.tree.freeSlot(operation, path)
    const inode = new Inode(this.#nextInode++, path)
    this.#bind(slot, inode, `create ${path}`)
    return inode
  }

  makeDirectory(path: string): void {
    this.tree.makeDirectory(path, (slot, made, directory) => {
      this.#journal.addDirectory(directory)
      this.#bind(slot, directory, `makeDirectory ${made}`)
    })
  }

  link(from: string, to: string): void {
    const { file, target } = this.tree.planLink(from, to)
    this.#bind(target, file, `link ${from} to ${to}`)
  }

  rename(from: string, to: string): void {
    const move = this.tree.planRename(from, to)
    if (move === undefined) return
    const { file, source, target } = move
    if (target.file !== undefined) this.#remember(target.file)
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

  remove(path: string): void {
    const slot = this.tree.planRemove(path)
    this.#remember(slot.file)
    slot.directory.entries.delete(slot.name)
    this.#journal.record({
      order: this.#nextOrder++,
      description: `remove ${path}`,
      node: slot.file,
      removes: slot,
    })
  }

  append(inode: Inode, bytes: Uint8Array): void {
    inode.append(bytes, this.#nextOrder++)
    if (!inode.isDurable) this.#unsynced.add(inode)
  }

  truncate(inode: Inode, length: number): void {
    this.#remember(inode)
    inode.truncate(length, this.#nextOrder++)
    if (!inode.isDurable) this.#unsynced.add(inode)
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
    for (const inode of this.#unsyncedFiles()) {
      for (const data of inode.pending) {
        if (data.kind === 'append') items.push({ kind: 'write', order: data.order, inode, write: data })
        else items.push({ kind: 'cut', order: data.order, inode, cut: data })
      }
    }
    return items.toSorted((a, b) => a.order - b.order)
  }

  /**
   * Contents from which a stale sector can come: of files that are there, of some that no longer are, and what a
   * power cut left behind the ends of some.
   */
  staleSources(): readonly Uint8Array[] {
    const sources = this.#ghosts.map(({ bytes }) => bytes)
    for (const node of this.#journal.reachable()) if (node instanceof Inode) sources.push(node.live)
    return sources.filter((bytes) => bytes.length > 0)
  }

  /** The disk after a power cut, of each pending item what its fate says. */
  afterPowerCut(fates: Fates): Disk {
    const root = new Directory<Inode>()
    const journal = new EntryJournal(root)
    const namesIn = this.#journal.afterPowerCut((order) => fates.get(order))
    const copies = new Map<DiskNode, DiskNode>()
    const unseen: Uint8Array[] = []
    const fileAfter = (inode: Inode): Inode => {
      const remains = inode.afterPowerCut((order) => fates.get(order))
      if (remains.unseen !== undefined) unseen.push(remains.unseen)
      return remains.file
    }
    const copyOfNode = (node: DiskNode): DiskNode => {
      const known = copies.get(node)
      if (known !== undefined) return known
      const copy = node instanceof Inode ? fileAfter(node) : new Directory<Inode>()
      copies.set(node, copy)
      if (node instanceof Directory && copy instanceof Directory) fill(node, copy)
      return copy
    }
    const fill = (from: Directory<Inode>, to: Directory<Inode>): void => {
      for (const [name, node] of namesIn(from)) to.entries.set(name, copyOfNode(node))
      journal.addDirectory(to, to.entries)
    }
    fill(this.tree.root, root)
    const image = new Disk(new FileTree(root), journal, this)
    for (const bytes of unseen) image.#keepGhost({ bytes, isUnseen: true })
    return image
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
      if (node instanceof Directory && copy instanceof Directory) fill(node, copy)
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
    const inode = this.tree.node('size', path)
    if (!(inode instanceof Inode)) return undefined
    return {
      inode: inode.id,
      size: inode.length,
      bytesDurable: inode.isDurable,
      nameDurable: this.#durableNode(path) === inode,
    }
  }

  /** Whether what has this name would be there after every power cut, a file with all of its bytes. */
  isDurable(path: string): boolean {
    const node = this.tree.node('size', path)
    if (node === undefined || this.#durableNode(path) !== node) return false
    return node instanceof Directory || node.isDurable
  }

  /** The same text for disks that hold the same: names, links and bytes, seen, durable and behind the ends of files. */
  key(): string {
    const unseen = this.#ghosts.flatMap(({ bytes, isUnseen }) => (isUnseen ? [`-${hashOf(bytes)}`] : []))
    const live = keyOf(
      this.tree.root,
      (directory) => directory.entries,
      (inode) => inode.live,
    )
    if (this.#journal.pending.length === 0 && this.#unsyncedFiles().length === 0)
      return live + unseen.join('')
    const durable = keyOf(
      this.tree.root,
      (directory) => this.#journal.durableNames(directory),
      (inode) => inode.durable,
    )
    return `${live}+${durable}${unseen.join('')}`
  }

  /** The files that have something pending which a power cut may show. */
  #unsyncedFiles(): readonly Inode[] {
    if (this.#unsynced.size === 0) return []
    const reachable = this.#journal.reachable()
    // The last name of any other is gone durably: no power cut brings it back.
    for (const inode of this.#unsynced) if (!reachable.has(inode)) this.#unsynced.delete(inode)
    return [...this.#unsynced]
  }

  /** What the path names after every power cut, if that is always the same. */
  #durableNode(path: string): DiskNode | undefined {
    let node: DiskNode | undefined = this.tree.root
    for (const name of partsOfPath(path)) {
      if (!(node instanceof Directory)) return undefined
      const place: Place = { directory: node, name }
      node = this.#journal.durableNames(node).get(name)
      if (node === undefined || this.#journal.isContested(place, node)) return undefined
    }
    return node
  }

  #bind(place: Place, node: DiskNode, description: string): void {
    place.directory.entries.set(place.name, node)
    this.#journal.record({ order: this.#nextOrder++, description, node, binds: place })
  }

  #remember(inode: Inode): void {
    if (inode.length > 0) this.#keepGhost({ bytes: inode.live, isUnseen: false })
  }

  #keepGhost(ghost: Ghost): void {
    this.#ghosts.push(ghost)
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
    for (const name of [...namesIn(directory).keys()].toSorted()) {
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
