import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { crashPoint } from '../crash-point.js';
import { LogError } from '../errors.js';
import type { EventLog } from '../log.js';
import { silentLogger, type Logger } from '../logger.js';
import { bookInvalid, chainOf, manifestName, readBook, readManifest, toLine } from './archive.js';
import type { ArchiveSink, Book, Manifest } from './archive.js';
import type { BookOwner } from './owner.js';

/** What goes into the book: whichever of these reaches furthest. */
export interface BookCut {
  /** Position of the last event of the book. */
  readonly upTo?: number;
  /** Events before this time. */
  readonly olderThan?: Date;
  /** Everything but this many newest events. */
  readonly maxEvents?: number;
}

export interface CloseBookOptions extends BookCut {
  readonly log: EventLog;
  /** Removes every event before a position, as `Jet.purge`: only the archiver's credentials allow it. */
  readonly purge: (before: number) => Promise<void>;
  /** Owners of all kinds that occur in the book. */
  readonly owners: readonly BookOwner[];
  readonly archive: ArchiveSink;
  /** Answers the position of the newest snapshot that can be read; `Snapshots` is one. */
  readonly snapshots: { verified(name: string): Promise<number | undefined> };
  /** Names of all projections (`Projector.snapshotName`) that must be able to start without the book. */
  readonly projections: readonly string[];
  readonly logger?: Logger;
}

/**
 * Closes a book: restates what lives, checks the snapshots, writes the book to the archive, reads it back, and purges
 * the prefix. Each step may be repeated: after a crash anywhere, close again.
 *
 * @returns the book, or undefined when there is nothing to close
 * @throws LogError BOOK_INVALID, SNAPSHOT_INVALID; nothing was purged then
 */
export const closeBook = async (options: CloseBookOptions): Promise<Book | undefined> => {
  const { log, archive, owners, logger = silentLogger } = options;
  const { books } = await readManifest(archive);
  const { first } = await log.range();
  const before = books[books.length - 1];
  // A crash between archive and purge: the book is there, its events too.
  const unpurged = before && before.last >= first ? before : undefined;
  if (before && !unpurged && before.last + 1 !== first) {
    throw bookInvalid(before.name, `the archive ends at ${before.last}, and the log begins at ${first}`);
  }
  if (!before && first !== 1) throw bookInvalid(manifestName, `the archive is empty, and the log begins at ${first}`);
  const upTo = unpurged ? unpurged.last : await cutOf(options);
  if (upTo < first) return undefined;

  for (const owner of owners) {
    const restated = await owner.restate(upTo);
    logger.info({ kind: owner.kind, restated, upTo }, 'restated for the book');
  }
  crashPoint('book.restated');
  await checkSnapshots(options, upTo);

  const book = unpurged ?? (await write(options, { version: 1, books }, first, upTo));
  const kinds = await verify(archive, book);
  for (const kind of kinds) {
    const owner = owners.find((o) => o.kind === kind);
    if (!owner) throw bookInvalid(book.name, `it holds events of a ${kind}, and no owner of these was given`);
    const left = owner.remaining(upTo);
    if (left > 0) throw bookInvalid(book.name, `${left} live aggregates of kind ${kind} are not restated`);
  }
  crashPoint('book.archived');
  await options.purge(book.last + 1);
  crashPoint('book.purged');
  logger.info({ book: book.name, first: book.first, last: book.last }, 'book closed');
  return book;
};

const cutOf = async ({ log, upTo = 0, olderThan, maxEvents }: CloseBookOptions): Promise<number> => {
  const { first, last } = await log.range();
  let cut = upTo;
  if (maxEvents !== undefined) cut = Math.max(cut, last - maxEvents);
  if (olderThan && last >= first) {
    const stop = new AbortController();
    search: for await (const { events, caughtUp } of log.read({ after: first - 1, signal: stop.signal })) {
      for (const event of events) {
        if (new Date(event.time) >= olderThan) break search;
        cut = Math.max(cut, event.sequence);
      }
      if (caughtUp) break;
    }
    stop.abort();
  }
  return Math.min(cut, last);
};

const checkSnapshots = async ({ snapshots, projections }: CloseBookOptions, upTo: number): Promise<void> => {
  for (const name of projections) {
    const position = await snapshots.verified(name);
    if (position !== undefined && position >= upTo) continue;
    throw new LogError(
      'SNAPSHOT_INVALID',
      `The book up to ${upTo} stays open: the newest good snapshot of ${name} is at ${position ?? 'no position'}, ` +
        'so that a new replica could not start. Take one first.',
    );
  }
};

const write = async (options: CloseBookOptions, manifest: Manifest, first: number, last: number): Promise<Book> => {
  const { log, archive } = options;
  const name = `events-${String(first).padStart(12, '0')}-${String(last).padStart(12, '0')}.ndjson.gz`;
  const hash = createHash('sha256');
  const gzip = Readable.from(chunks(log, first, last)).pipe(createGzip());
  await archive.write(name, hashed(gzip, hash));
  const sha256 = hash.digest('hex');
  const before = manifest.books[manifest.books.length - 1];
  const book = { name, first, last, sha256, chain: chainOf(before, { first, last, sha256 }) };
  // Read back before the manifest names it.
  await verify(archive, book);
  const text = `${JSON.stringify({ ...manifest, books: [...manifest.books, book] }, undefined, 2)}\n`;
  await archive.write(manifestName, Readable.from([Buffer.from(text)]));
  return book;
};

async function* chunks(log: EventLog, first: number, last: number): AsyncGenerator<Buffer> {
  const stop = new AbortController();
  try {
    for await (const { events } of log.read({ after: first - 1, signal: stop.signal })) {
      const wanted = events.filter(({ sequence }) => sequence <= last);
      if (wanted.length > 0) yield Buffer.from(wanted.map(toLine).join(''));
      if ((events[events.length - 1]?.sequence ?? 0) >= last) return;
    }
  } finally {
    stop.abort();
  }
}

async function* hashed(data: Readable, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const chunk of data) {
    hash.update(chunk as Uint8Array);
    yield chunk as Uint8Array;
  }
}

/** Reads the whole book; answers the kinds that occur in it. */
const verify = async (archive: ArchiveSink, book: Book): Promise<Set<string>> => {
  const kinds = new Set<string>();
  for await (const event of readBook(archive, book)) kinds.add(event.aggregate.kind);
  return kinds;
};
