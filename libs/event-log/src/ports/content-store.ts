import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PlinthError } from '#libs/contracts';
import type { BlobInfo, BlobStore } from './blobs.js';
import type { ObjectBucket } from './objects.js';

/** Blobs in a bucket of objects, each under its digest. */
export class ContentStore implements BlobStore {
  constructor(private readonly objects: ObjectBucket) {}

  async put(
    data: Uint8Array | AsyncIterable<Uint8Array>,
    { maxBytes }: { readonly maxBytes: number },
  ): Promise<{ digest: string; bytes: number }> {
    // The name is known only at the end, and an upload that is too large must leave nothing: by way of the disk.
    const file = join(tmpdir(), `plinth-blob-${randomUUID()}`);
    const hash = createHash('sha256');
    let bytes = 0;
    const source = Readable.from(data instanceof Uint8Array ? [data] : data);
    try {
      await pipeline(
        source,
        async function* (chunks: AsyncIterable<Uint8Array>) {
          for await (const chunk of chunks) {
            bytes += chunk.length;
            if (bytes > maxBytes) {
              throw new PlinthError('PAYLOAD_TOO_LARGE', `The upload is larger than ${maxBytes} bytes.`);
            }
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(file, { mode: 0o600 }),
      );
      const digest = `sha256:${hash.digest('hex')}`;
      if (!(await this.has(digest))) await this.objects.put(digest, createReadStream(file));
      return { digest, bytes };
    } finally {
      await rm(file, { force: true });
    }
  }

  async has(digest: string): Promise<boolean> {
    return (await this.objects.info(digest)) !== undefined;
  }

  async get(digest: string): Promise<Readable> {
    const stored = await this.objects.get(digest);
    if (!stored) throw new PlinthError('NOT_FOUND', `There is no blob ${digest}. Upload it again.`);
    return Readable.from(verified(stored, digest));
  }

  delete(digest: string): Promise<void> {
    return this.objects.delete(digest);
  }

  async list(): Promise<BlobInfo[]> {
    const entries = await this.objects.list();
    return entries.map(({ name, bytes, storedAt }) => ({ digest: name, bytes, storedAt }));
  }
}

async function* verified(chunks: AsyncIterable<Uint8Array>, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest) throw new PlinthError('INTERNAL', `The blob ${digest} is damaged: its content is ${actual}.`);
}
