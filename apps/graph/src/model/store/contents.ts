import { createHash } from 'node:crypto';
import { Column } from './column.js';
import { Interner } from './interner.js';
import type { Paged } from './paged.js';

/** Bytes of a digest. */
const width = 32;
const sha256 = /^sha256:[0-9a-f]{64}$/;

/** A digest in 32 bytes: those of a SHA-256 as they are. Of another algorithm, their hash: they are only compared. */
const writeDigest = (digest: string, to: Buffer, at: number): void => {
  if (sha256.test(digest)) to.write(digest.slice(7), at, width, 'hex');
  else createHash('sha256').update(digest).digest().copy(to, at);
};

/**
 * What an image is, platform by platform, as an integer: 0 is nothing, and two of the same platforms and digests are the same. Most
 * questions are answered by comparing two integers; the digests, 32 bytes each, are looked at when those differ.
 *
 * Whoever keeps one says so, and says when it keeps it no longer.
 */
export class Contents implements Paged {
  private readonly records = new Interner();
  private readonly keepers = new Column(Uint32Array);

  /** @param platformSets texts of platforms, one a line, in the order of their names */
  constructor(private readonly platformSets: PlatformSets) {}

  /** The content of these digests; it must be kept, or it is there forever. */
  of(platforms: Readonly<Record<string, string>>): number {
    const names = Object.keys(platforms).sort();
    const record = Buffer.allocUnsafe(4 + names.length * width);
    record.writeUInt32LE(this.platformSets.of(names));
    for (const [index, name] of names.entries()) writeDigest(platforms[name]!, record, 4 + index * width);
    const content = this.records.internBytes(record) + 1;
    this.keepers.reserve(content + 1);
    return content;
  }

  keep(content: number): void {
    if (content === 0) return;
    this.keepers.reserve(content + 1);
    this.keepers.set(content, this.keepers.get(content) + 1);
  }

  release(content: number): void {
    if (content === 0) return;
    const left = this.keepers.get(content) - 1;
    this.keepers.set(content, left);
    if (left === 0) this.records.forget(content - 1);
  }

  /** Whether it has every platform of a set. */
  covers(content: number, platforms: number): boolean {
    return this.platformSets.contains(this.platformsOf(content), platforms);
  }

  /** Whether one of the platforms of a set has another digest; a platform that one of both has not says nothing. */
  differ(a: number, b: number, platforms: number): boolean {
    if (a === b) return false;
    const [ofA, ofB] = [this.platformsOf(a), this.platformsOf(b)];
    const { platformSets, records } = this;
    for (const platform of platformSets.list(platforms)) {
      const indexA = platformSets.list(ofA).indexOf(platform);
      const indexB = platformSets.list(ofB).indexOf(platform);
      if (indexA < 0 || indexB < 0) continue;
      const { pool } = records;
      const startA = records.start(a - 1) + 4 + indexA * width;
      const startB = records.start(b - 1) + 4 + indexB * width;
      if (pool.compare(pool, startB, startB + width, startA, startA + width) !== 0) return true;
    }
    return false;
  }

  takePages(): Iterable<readonly [number, Uint8Array]> {
    return this.records.takePages();
  }

  loadPage(page: number, bytes: Uint8Array): void {
    this.records.loadPage(page, bytes);
  }

  private platformsOf(content: number): number {
    return this.records.pool.readUInt32LE(this.records.start(content - 1));
  }
}

/** Sets of platforms as integers. There are few of them. */
export class PlatformSets implements Paged {
  private readonly texts = new Interner();
  private readonly lists: (readonly string[])[] = [];
  private readonly contained = new Map<number, boolean>();

  /** The set of these platforms, in this order. */
  of(platforms: readonly string[]): number {
    return this.texts.intern(platforms.join('\n'));
  }

  list(set: number): readonly string[] {
    return (this.lists[set] ??= this.texts.text(set) === '' ? [] : this.texts.text(set).split('\n'));
  }

  contains(larger: number, smaller: number): boolean {
    if (larger === smaller) return true;
    const key = larger * 0x1_0000_0000 + smaller;
    let contained = this.contained.get(key);
    if (contained === undefined) {
      contained = this.list(smaller).every((platform) => this.list(larger).includes(platform));
      this.contained.set(key, contained);
    }
    return contained;
  }

  takePages(): Iterable<readonly [number, Uint8Array]> {
    return this.texts.takePages();
  }

  loadPage(page: number, bytes: Uint8Array): void {
    this.texts.loadPage(page, bytes);
  }
}
