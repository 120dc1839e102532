import { ContextError, shown } from '../errors.js';
import type { ContextLimits } from '../limits.js';

/** An entry of a tar archive as its header states it. Nothing of it can be trusted. */
export interface EntryHeader {
  readonly name: string;
  readonly type?: string | null | undefined;
  readonly size: number;
  readonly mode?: number | undefined;
  readonly mtime?: Date | undefined;
  readonly linkname?: string | null | undefined;
  /** The records of a pax header, where there was one. */
  readonly pax?: Readonly<Record<string, string>> | null | undefined;
}

/** What is to be done on disk for one entry. Paths are relative, normalised, and below no link. */
export type TreeAction =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'directory'; readonly path: string; readonly implied: readonly string[] }
  | { readonly kind: 'file'; readonly path: string; readonly implied: readonly string[]; readonly replaces: boolean }
  | { readonly kind: 'hardlink'; readonly path: string; readonly implied: readonly string[]; readonly target: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly implied: readonly string[] };

/** `refuse` links that leave the root, or `keep` them as text that nobody on this machine may follow. */
export type OutsideLinks = 'refuse' | 'keep';

interface TreeNode {
  readonly kind: 'directory' | 'file' | 'symlink';
  readonly name: string;
  readonly parent: TreeNode | null;
  readonly children: Map<string, TreeNode>;
  readonly target: string;
}

const NAME_BYTES = 4096;
const COMPONENT_BYTES = 255;
/** Engines stop following after 255 links (containerd's RootPath, filepath-securejoin), the kernel after 40. */
const LINK_HOPS = 255;
/** Work and memory that resolving all links together may cost: chains of long targets grow as a product. */
const LINK_STEPS = 2_000_000;
const LINK_TARGET_BYTES = 16 * 1024 * 1024;

/**
 * The tree that an archive describes, built header by header, and the judge of every header. It is pure: the reader
 * that only checks and the one that writes to disk refuse the same archives in the same words.
 *
 * The rules (cases of "zip slip" and its relatives): names are relative, without `..` and NUL; nothing lies below a
 * link; hard links name a file that came earlier; symbolic links, followed through all others, stay inside; a name
 * that comes twice stays the kind it was; only files, directories and links exist.
 */
export class ArchiveTree {
  private readonly root: TreeNode = node('directory', '', null);
  private readonly links: TreeNode[] = [];
  private linkBytes = 0;
  /** Nodes of the tree, implied directories included. */
  entries = 0;
  /** Bytes of file contents. */
  contentBytes = 0;
  private headers = 0;

  constructor(
    private readonly limits: Pick<ContextLimits, 'entries' | 'unpackedBytes'>,
    private readonly outsideLinks: OutsideLinks = 'refuse',
  ) {}

  /** @throws ContextError UNSAFE_ARCHIVE or TOO_LARGE */
  accept(header: EntryHeader): TreeAction {
    this.headers += 1;
    if (this.headers > this.limits.entries) this.tooMany();
    const { name } = header;
    const type = header.type === 'contiguous-file' ? 'file' : header.type;
    const { size } = header;
    // A size that cannot be read is null here, and an entry of that size would never end.
    if (!Number.isSafeInteger(size) || size < 0) unsafe(name, 'has a size that cannot be read');
    const parts = partsOf(name);
    const isDirectory = type === 'directory' || (type === 'file' && name.endsWith('/'));
    if (size > 0 && (type !== 'file' || isDirectory)) unsafe(name, 'is no file but claims to have content');
    if (isDirectory && parts.length === 0) return { kind: 'nothing' };
    const last = parts.pop();
    if (last === undefined) unsafe(name, 'has no name');
    const { parent, implied } = this.descend(name, parts);
    const path = [...parts, last].join('/');
    const known = parent.children.get(last);

    if (isDirectory) {
      if (known === undefined) this.add(parent, last, 'directory');
      else if (known.kind !== 'directory') unsafe(name, `is a directory, but was a ${known.kind} before`);
      return { kind: 'directory', path, implied };
    }
    if (type === 'file') {
      this.contentBytes += size;
      if (this.contentBytes > this.limits.unpackedBytes) {
        throw new ContextError('TOO_LARGE', `The archive holds more than ${this.limits.unpackedBytes} bytes of files.`);
      }
      this.replaceable(name, known, 'file');
      if (known === undefined) this.add(parent, last, 'file');
      return { kind: 'file', path, implied, replaces: known !== undefined };
    }
    if (type === 'link') {
      const target = this.fileNamed(name, header.linkname ?? '');
      if (known !== undefined) unsafe(name, 'is a hard link, but the name was there before');
      this.add(parent, last, 'file');
      return { kind: 'hardlink', path, implied, target };
    }
    if (type === 'symlink') {
      this.replaceable(name, known, 'symlink');
      this.addLink(name, parent, last, header.linkname ?? '');
      return { kind: 'symlink', path, implied };
    }
    return unsafe(name, `is a ${type ?? 'kind of entry that no context needs'}; only files, directories and links are`);
  }

  /**
   * The symbolic links, once all headers are in: to be made last, so that while files are written no link exists that
   * could be followed.
   * @throws ContextError UNSAFE_ARCHIVE when one of them leaves the root
   */
  symlinks(): { path: string; target: string }[] {
    const links = this.links.filter((link) => link.parent?.children.get(link.name) === link);
    if (this.outsideLinks === 'refuse') {
      let steps = 0;
      for (const link of links) {
        steps += this.follow(link, LINK_STEPS - steps);
      }
    }
    return links.map((link) => ({ path: pathOf(link), target: link.target }));
  }

  /** Walks to a directory, making what is not there. Refuses to pass through links and files. */
  private descend(name: string, parts: readonly string[]): { parent: TreeNode; implied: string[] } {
    let at = this.root;
    const implied: string[] = [];
    for (const [index, part] of parts.entries()) {
      let next = at.children.get(part);
      if (next === undefined) {
        next = this.add(at, part, 'directory');
        implied.push(parts.slice(0, index + 1).join('/'));
      } else if (next.kind !== 'directory') {
        unsafe(name, `lies below ${shown(pathOf(next))}, which is a ${next.kind} and no directory`);
      }
      at = next;
    }
    return { parent: at, implied };
  }

  private fileNamed(name: string, linkname: string): string {
    const parts = partsOf(linkname, `${shown(name)} is a hard link to a name that`);
    let at: TreeNode | undefined = this.root;
    for (const part of parts) at = at?.children.get(part);
    if (at?.kind !== 'file') unsafe(name, `is a hard link to ${shown(linkname)}, which is no file that came before it`);
    return parts.join('/');
  }

  private replaceable(name: string, known: TreeNode | undefined, kind: TreeNode['kind']): void {
    if (known !== undefined && known.kind !== kind) unsafe(name, `is a ${kind}, but was a ${known.kind} before`);
  }

  private addLink(name: string, parent: TreeNode, last: string, target: string): void {
    if (target === '' || target.includes('\0')) unsafe(name, 'is a symbolic link to nothing');
    const bytes = Buffer.byteLength(target);
    if (bytes >= NAME_BYTES) unsafe(name, `is a symbolic link to a name of more than ${NAME_BYTES} bytes`);
    if (target.includes('\ufffd')) unsafe(name, 'is a symbolic link to a name that is not UTF-8');
    if (target.startsWith('/') && this.outsideLinks === 'refuse') {
      unsafe(name, `is a symbolic link to ${shown(target)}, outside of the context`);
    }
    this.linkBytes += bytes;
    if (this.linkBytes > LINK_TARGET_BYTES) unsafe(name, 'is one of too many long symbolic links');
    this.links.push(this.add(parent, last, 'symlink', target));
  }

  private add(parent: TreeNode, name: string, kind: TreeNode['kind'], target = ''): TreeNode {
    if (!parent.children.has(name)) this.entries += 1;
    if (this.entries > this.limits.entries) this.tooMany();
    const added = node(kind, name, parent, target);
    parent.children.set(name, added);
    return added;
  }

  private tooMany(): never {
    throw new ContextError(
      'TOO_LARGE',
      `The archive has more than ${this.limits.entries} files, links and directories; leave out what the build does not need.`,
    );
  }

  /** Follows a link as a kernel would, through other links. What is missing is taken as a directory. Returns its cost. */
  private follow(link: TreeNode, budget: number): number {
    let at = link.parent ?? this.root;
    let hops = 1;
    let steps = 0;
    const pending = link.target.split('/').reverse();
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      steps += 1;
      if (steps > budget) unsafe(pathOf(link), 'is one of too many symbolic links that lead through each other');
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (at.parent === null) {
          unsafe(pathOf(link), `is a symbolic link to ${shown(link.target)}, outside of the context`);
        }
        at = at.parent;
        continue;
      }
      const next = at.children.get(part);
      if (next?.kind === 'symlink') {
        hops += 1;
        // A circle, or a chain that nobody can follow to its end: it leads nowhere, so nowhere outside.
        if (hops > LINK_HOPS) return steps;
        for (const piece of next.target.split('/').reverse()) pending.push(piece);
        continue;
      }
      at = next ?? node('directory', part, at);
    }
    return steps;
  }
}

function node(kind: TreeNode['kind'], name: string, parent: TreeNode | null, target = ''): TreeNode {
  return { kind, name, parent, target, children: kind === 'directory' ? new Map() : NO_CHILDREN };
}

const NO_CHILDREN = new Map<string, TreeNode>();

function pathOf(of: TreeNode): string {
  const parts: string[] = [];
  for (let at: TreeNode | null = of; at?.parent; at = at.parent) parts.push(at.name);
  return parts.reverse().join('/');
}

/** The components of a name; `.` and doubled slashes fall away. */
function partsOf(name: string, whose = `An entry called ${shown(name)}`): string[] {
  const refuse = (why: string): never => {
    throw new ContextError('UNSAFE_ARCHIVE', `The archive is refused: ${whose} ${why}.`);
  };
  if (name === '') refuse('is empty');
  if (name.includes('\0')) refuse('holds a NUL');
  if (name.startsWith('/')) refuse('is absolute');
  if (name.includes('\ufffd')) refuse('is not UTF-8');
  if (Buffer.byteLength(name) > NAME_BYTES) refuse(`is longer than ${NAME_BYTES} bytes`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (part === '..') refuse('has .. in it');
    if (part.length > COMPONENT_BYTES / 4 && Buffer.byteLength(part) > COMPONENT_BYTES) {
      refuse(`has a part that is longer than ${COMPONENT_BYTES} bytes`);
    }
  }
  return parts;
}

function unsafe(name: string, why: string): never {
  throw new ContextError('UNSAFE_ARCHIVE', `The archive is refused: ${shown(name)} ${why}.`);
}
