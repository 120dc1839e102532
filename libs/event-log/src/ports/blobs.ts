import type { Readable } from 'node:stream';

export interface BlobInfo {
  /** `sha256:<hex>` */
  readonly digest: string;
  readonly bytes: number;
  readonly storedAt: Date;
}

/** Content-addressed blobs: what is stored is found by its digest, and is checked against it when read. */
export interface BlobStore {
  /**
   * Stores what comes, once: the same content again is the same blob.
   * @throws PlinthError PAYLOAD_TOO_LARGE when more than `maxBytes` come; nothing is stored then
   */
  put(
    data: Uint8Array | AsyncIterable<Uint8Array>,
    options: { readonly maxBytes: number },
  ): Promise<{ digest: string; bytes: number }>;
  has(digest: string): Promise<boolean>;
  /** The stream fails at its end when the content is not that of the digest. @throws PlinthError NOT_FOUND */
  get(digest: string): Promise<Readable>;
  /** Nothing happens when there is no such blob. */
  delete(digest: string): Promise<void>;
  list(): Promise<BlobInfo[]>;
}
