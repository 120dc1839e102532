import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { extract } from 'tar-stream';
import { ContextError, isContextError, wordsOf } from '../errors.js';
import { bytesInWords, type ContextLimits } from '../limits.js';
import type { EntryHeader } from './tree.js';

/** Any source of bytes: a Node stream, a web stream, an iterable. */
export type ByteSource = AsyncIterable<Uint8Array | string>;

/** One entry while it passes by: its header, and its content to be read or left. */
export interface TarEntry extends AsyncIterable<Uint8Array> {
  readonly header: EntryHeader;
  resume(): unknown;
}

export interface ArchiveFacts {
  /** `sha256:…` of the bytes as they travelled. */
  readonly digest: string;
  readonly bytes: number;
}

type Compression = 'gzip' | 'zstd' | 'none';

/**
 * Streams a .tar, .tar.gz or .tar.zst (told by its first bytes) and hands each entry to `visit`, one at a time, in
 * constant memory. Reads to the end of the source, also behind the end of the archive, so that the digest is that of
 * all bytes.
 *
 * @throws ContextError TOO_LARGE, UNSAFE_ARCHIVE (a bomb), INVALID (not an archive, or cut off), UNAVAILABLE (the
 *   source failed); what `visit` throws; the signal's reason.
 */
export async function readArchive(
  source: ByteSource,
  limits: ContextLimits,
  visit: (entry: TarEntry) => Promise<void>,
  signal?: AbortSignal,
): Promise<ArchiveFacts> {
  signal?.throwIfAborted();
  const hash = createHash('sha256');
  let bytes = 0;
  let unpacked = 0;
  let endsInZeros = 0;
  const stop = new AbortController();

  async function* travelled(): AsyncGenerator<Uint8Array> {
    for await (const chunk of attributed(source, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal)) {
      bytes += chunk.length;
      if (bytes > limits.compressedBytes) {
        throw new ContextError('TOO_LARGE', `The archive is larger than ${bytesInWords(limits.compressedBytes)}.`);
      }
      hash.update(chunk);
      yield chunk;
    }
  }

  async function* metered(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of plain) {
      unpacked += chunk.length;
      if (unpacked > limits.unpackedBytes) {
        throw new ContextError('TOO_LARGE', `The archive unpacks to more than ${bytesInWords(limits.unpackedBytes)}.`);
      }
      if (unpacked > limits.ratioFloorBytes && unpacked > bytes * limits.ratio) {
        throw new ContextError(
          'UNSAFE_ARCHIVE',
          `The archive is refused: ${bytesInWords(bytes)} unpack to more than ${limits.ratio} times as much.`,
        );
      }
      endsInZeros = trailingZeros(chunk, endsInZeros);
      yield chunk;
    }
  }

  const chunks = travelled();
  let failure: { error: unknown } | null = null;
  const fail = (error: unknown): void => {
    failure ??= { error };
    stop.abort();
  };
  try {
    const { compression, replayed } = await sniffed(chunks);
    // Its own types are those of streamx; it is both a writable stream and iterable.
    const tar = extract() as unknown as AsyncIterable<TarEntry> & NodeJS.WritableStream & { destroy(): void };
    const reading = (async () => {
      for await (const entry of tar) {
        await visit(entry);
        entry.resume();
      }
    })().catch(fail);
    const inflate = decompressor(compression);
    const ending = signal ? { signal } : {};
    const writing = (
      inflate === null ? pipeline(replayed, metered, tar, ending) : pipeline(replayed, inflate, metered, tar, ending)
    ).catch((error: unknown) => {
      fail(error);
      tar.destroy();
    });
    await Promise.all([reading, writing]);
  } catch (error) {
    fail(error);
  } finally {
    await chunks.return(undefined).catch(fail);
  }
  signal?.throwIfAborted();
  if (failure !== null) throw inWords((failure as { error: unknown }).error);
  // Writers end an archive with zero blocks (POSIX: two). Without them a plain tar that was cut off looks whole.
  if (endsInZeros < 512) throw new ContextError('INVALID', 'The archive was cut off: its end marker is missing.');
  return { digest: `sha256:${hash.digest('hex')}`, bytes };
}

/**
 * The chunks of a source. Says of a failure that the source, not the archive, is to blame; does not wait for a source
 * that has stalled once reading was given up.
 */
async function* attributed(source: ByteSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  const givenUp = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  givenUp.catch(() => undefined);
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await Promise.race([chunks.next(), givenUp]);
      if (next.done) return;
      yield typeof next.value === 'string' ? Buffer.from(next.value) : next.value;
    }
  } catch (error) {
    if (isContextError(error) || signal.aborted) throw error;
    throw new ContextError('UNAVAILABLE', `Reading the archive broke off: ${wordsOf(error)}.`, { cause: error });
  } finally {
    if ('destroy' in source && typeof source.destroy === 'function') source.destroy();
    else chunks.return?.()?.catch(() => undefined);
  }
}

function inWords(error: unknown): unknown {
  if (isContextError(error)) return error;
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/^(ENOSPC|EDQUOT|EIO|EROFS|EMFILE|ENFILE|EACCES|EPERM)$/.test(code)) {
    return new ContextError('UNAVAILABLE', `The context cannot be written here: ${wordsOf(error)}.`, { cause: error });
  }
  if (/^(ENAMETOOLONG|ELOOP|EEXIST|ENOTDIR|EISDIR|EILSEQ|EINVAL|ENOENT|EMLINK)$/.test(code)) {
    return new ContextError('UNSAFE_ARCHIVE', `The archive is refused: ${wordsOf(error)}.`, { cause: error });
  }
  return new ContextError('INVALID', `The archive cannot be read: ${wordsOf(error)}.`, { cause: error });
}

const HEADER_BYTES = 512;

async function sniffed(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{ compression: Compression; replayed: AsyncIterable<Uint8Array> }> {
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < HEADER_BYTES) {
    const next = await chunks.next();
    if (next.done) break;
    first.push(next.value);
    length += next.value.length;
  }
  const head = Buffer.concat(first);
  async function* replay(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head;
    yield* chunks;
  }
  return { compression: compressionOf(head), replayed: replay() };
}

/** @throws ContextError INVALID naming what the bytes are instead, where that can be told. */
function compressionOf(head: Buffer): Compression {
  const hex = head.subarray(0, 6).toString('hex');
  if (hex.startsWith('1f8b')) return 'gzip';
  if (hex.startsWith('28b52ffd')) return 'zstd';
  if (head.subarray(257, 262).toString('latin1') === 'ustar') return 'none';
  const isEmptyTar = head.length >= HEADER_BYTES && head.subarray(0, HEADER_BYTES).every((byte) => byte === 0);
  if (isEmptyTar) return 'none';
  const known: [string, string][] = [
    ['425a68', 'compressed with bzip2'],
    ['fd377a585a00', 'compressed with xz'],
    ['504b', 'a zip file'],
  ];
  const is =
    head.length === 0
      ? 'empty'
      : (known.find(([magic]) => hex.startsWith(magic))?.[1] ??
        (/^\s*</.test(head.toString('latin1')) ? 'a web page' : 'something else'));
  throw new ContextError(
    'INVALID',
    `It is no archive that can be read: it is ${is}; expected .tar.gz, .tar.zst or .tar.`,
  );
}

function decompressor(compression: Compression): Gunzip | ZstdDecompress | null {
  if (compression === 'gzip') return createGunzip();
  return compression === 'zstd' ? createZstdDecompress() : null;
}

function trailingZeros(chunk: Uint8Array, before: number): number {
  let count = 0;
  while (count < chunk.length && count < HEADER_BYTES && chunk[chunk.length - 1 - count] === 0) count += 1;
  return count === chunk.length ? before + count : count;
}
