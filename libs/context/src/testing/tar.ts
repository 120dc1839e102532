import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';

/** An entry for {@link tarOf}; what is left out is an ordinary file. */
export interface TestEntry {
  readonly name: string;
  readonly content?: string | Buffer;
  readonly type?: string;
  readonly linkname?: string;
  readonly mode?: number;
  readonly mtime?: Date;
  readonly pax?: Record<string, string>;
}

/** Packs entries as they are, hostile ones included. */
export async function tarOf(entries: readonly TestEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    const mtime = header.mtime ?? new Date(1_700_000_000_000);
    tar.entry({ ...header, mtime } as Parameters<typeof tar.entry>[0], content ?? '');
  }
  tar.finalize();
  return collected(tar as unknown as AsyncIterable<Buffer>);
}

export async function gzipped(plain: Buffer): Promise<Buffer> {
  const gzip = createGzip();
  gzip.end(plain);
  return collected(gzip);
}

export const tarGzOf = async (entries: readonly TestEntry[]): Promise<Buffer> => gzipped(await tarOf(entries));

/** A stream of these bytes in pieces of `size`. */
export async function* inPieces(bytes: Buffer, size = 700): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** Sets fields of the header at `offset` that a packer would not write, and its checksum. */
export function patched(tar: Buffer, offset: number, field: number, bytes: Buffer | string): Buffer {
  const copy = Buffer.from(tar);
  Buffer.from(bytes as string).copy(copy, offset + field);
  copy.fill(' ', offset + 148, offset + 156);
  const sum = copy.subarray(offset, offset + 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, offset + 148);
  return copy;
}

async function collected(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
