import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { wireType, type AggregateKind } from '#libs/contracts';
import { LogError } from '../errors.js';
import type { RecordedEvent } from '../log.js';
import { decodeEvent } from '../wire/codec.js';

/** Where closed books go: a directory, an object store, a registry. Names are plain file names. */
export interface ArchiveSink {
  /** Whole or not at all, and durable when it resolves. Replaces what had the name. */
  write(name: string, data: AsyncIterable<Uint8Array>): Promise<void>;
  read(name: string): Promise<Readable | undefined>;
}

/** One closed book: the events `first` to `last`, without a hole. */
export interface Book {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
  /** SHA-256 over the chain of the book before and this book: nothing of the past can be changed unseen. */
  readonly chain: string;
}

export interface Manifest {
  readonly version: 1;
  readonly books: readonly Book[];
}

export const manifestName = 'manifest.json';
const beginning = '0'.repeat(64);

export const chainOf = (before: Book | undefined, book: Pick<Book, 'first' | 'last' | 'sha256'>): string =>
  createHash('sha256')
    .update(`${before?.chain ?? beginning} ${book.first} ${book.last} ${book.sha256}`)
    .digest('hex');

export const bookInvalid = (name: string, why: string): LogError =>
  new LogError(
    'BOOK_INVALID',
    `${name}: ${why}. Nothing is purged; restore the archive from its copy, or move it away and start a new one.`,
  );

const readText = async (data: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of data) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
};

/** @throws LogError BOOK_INVALID when the chain is broken or books are missing in between */
export const readManifest = async (sink: ArchiveSink): Promise<Manifest> => {
  const data = await sink.read(manifestName);
  if (!data) return { version: 1, books: [] };
  const manifest = JSON.parse(await readText(data)) as Manifest;
  let before: Book | undefined;
  for (const book of manifest.books) {
    if (book.chain !== chainOf(before, book)) throw bookInvalid(book.name, 'the chain of hashes is broken here');
    if (before && book.first !== before.last + 1) throw bookInvalid(book.name, `it does not follow ${before.name}`);
    before = book;
  }
  return manifest;
};

/** A CloudEvent in the JSON format (structured), one line; `sequence` is the CloudEvents extension of that name. */
export const toLine = (event: RecordedEvent): string =>
  `${JSON.stringify({
    specversion: '1.0',
    id: event.id,
    source: '/plinth',
    type: wireType(event.type),
    subject: event.aggregate.id,
    time: event.time,
    datacontenttype: 'application/json',
    sequence: String(event.sequence),
    aggregate: event.aggregate.kind,
    causationid: event.causation ?? undefined,
    correlationid: event.correlation ?? undefined,
    traceparent: event.traceparent ?? undefined,
    data: event.data,
  })}\n`;

interface Line extends Record<string, unknown> {
  readonly subject: string;
  readonly sequence: string;
  readonly aggregate: AggregateKind;
  readonly data: unknown;
}

const attributes = new Set(['id', 'time', 'causationid', 'correlationid', 'traceparent']);

export const fromLine = (text: string): RecordedEvent => {
  const line = JSON.parse(text) as Line;
  const event = decodeEvent(
    Number(line.sequence),
    { kind: line.aggregate, id: line.subject },
    // Headers are percent-encoded, JSON is not.
    (name) => {
      const value = line[name.slice(3)];
      if (typeof value !== 'string') return '';
      return attributes.has(name.slice(3)) ? encodeURIComponent(value) : value;
    },
    JSON.stringify(line.data),
  );
  return event;
};

/**
 * The events of a book, in order.
 * @throws LogError BOOK_INVALID at the end when its hash is another, and at once for a hole
 */
export async function* readBook(sink: ArchiveSink, book: Book): AsyncGenerator<RecordedEvent> {
  const data = await sink.read(book.name);
  if (!data) throw bookInvalid(book.name, 'the file is gone');
  const hash = createHash('sha256');
  const gunzip = createGunzip();
  data.on('data', (chunk: Uint8Array) => hash.update(chunk));
  data.on('error', (error) => gunzip.destroy(error));
  let rest = '';
  let next = book.first;
  const take = (text: string): RecordedEvent => {
    const event = fromLine(text);
    if (event.sequence !== next) throw bookInvalid(book.name, `event ${event.sequence} stands where ${next} should be`);
    next += 1;
    return event;
  };
  const decoder = new TextDecoder();
  try {
    for await (const chunk of data.pipe(gunzip)) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield take(line);
    }
  } catch (cause) {
    if (cause instanceof LogError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw bookInvalid(book.name, `it cannot be read (${why})`);
  }
  if (next !== book.last + 1) throw bookInvalid(book.name, `it ends at ${next - 1}, not at ${book.last}`);
  if (hash.digest('hex') !== book.sha256) throw bookInvalid(book.name, 'its hash is not the one in the manifest');
}

/** Every event of every closed book, in order, with all hashes checked. */
export async function* readArchive(sink: ArchiveSink): AsyncGenerator<RecordedEvent> {
  for (const book of (await readManifest(sink)).books) yield* readBook(sink, book);
}
