import { finished, Readable, Transform, type TransformCallback } from 'node:stream';
import { PlinthError } from '#libs/contracts';

/** Limit of a JSON body. */
export const jsonBytes = 1024 * 1024;

const words = (bytes: number): string =>
  bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MiB` : `${Math.ceil(bytes / 1024)} KiB`;

export const tooLarge = (maxBytes: number): PlinthError =>
  new PlinthError('PAYLOAD_TOO_LARGE', `The body is larger than ${words(maxBytes)}, the most that is taken here.`);

/** Type and subtype of a Content-Type, lower case, without parameters. */
export const mediaType = (contentType: string | undefined): string | undefined =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase() || undefined;

/**
 * The whole body, when it is within the limit. A body that says it is larger is refused unread, one that turns out
 * to be is read no further.
 *
 * @throws PlinthError PAYLOAD_TOO_LARGE, INVALID_ARGUMENT when the sender broke off
 */
export const readLimited = async (
  body: Readable | undefined,
  contentLength: string | undefined,
  maxBytes: number,
): Promise<Buffer> => {
  if (!body) return Buffer.alloc(0);
  if (contentLength !== undefined && Number(contentLength) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise<Buffer>((resolve, reject) => {
    const done = (error?: Error): void => {
      body.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      if (error) {
        body.pause();
        reject(error);
      } else resolve(Buffer.concat(chunks));
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge(maxBytes));
      else chunks.push(chunk);
    };
    const broken = (): PlinthError => new PlinthError('INVALID_ARGUMENT', `The body broke off after ${bytes} bytes.`);
    const onEnd = (): void => done();
    const onError = (): void => done(broken());
    const onClose = (): void => done(broken());
    body.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
};

/** Passes bytes on until there are more than `maxBytes`; then fails with PAYLOAD_TOO_LARGE. */
export class ByteLimit extends Transform {
  #bytes = 0;
  constructor(private readonly maxBytes: number) {
    super();
  }
  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.maxBytes) callback(tooLarge(this.maxBytes));
    else callback(null, chunk);
  }
}

const invalid = (detail: string, message: string): PlinthError =>
  new PlinthError('INVALID_ARGUMENT', detail, [{ field: '', message }]);

/** Refuses the key that would change an object's prototype in careless code further on. */
const noProto = (key: string, value: unknown): unknown => {
  if (key === '__proto__') throw invalid('The body has a field named __proto__.', '__proto__ is not taken');
  return value;
};

/**
 * The fields of a JSON body; an empty body has none.
 *
 * @throws PlinthError UNSUPPORTED_MEDIA_TYPE, INVALID_ARGUMENT when it is not a JSON object in UTF-8
 */
export const parseJsonObject = (
  bytes: Buffer,
  headers: { readonly 'content-type'?: string | undefined; readonly 'content-encoding'?: string | undefined },
): Record<string, unknown> => {
  if (bytes.length === 0) return {};
  const type = mediaType(headers['content-type']);
  if (type !== 'application/json' && !type?.endsWith('+json')) {
    throw new PlinthError(
      'UNSUPPORTED_MEDIA_TYPE',
      `The body is ${type ?? 'of no type'}; send JSON with \`Content-Type: application/json\`.`,
    );
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new PlinthError(
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Encoding ${encoding} is not taken; send the body as it is.`,
    );
  }
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = text.includes('__proto__') || text.includes('\\u') ? JSON.parse(text, noProto) : JSON.parse(text);
  } catch (error) {
    if (error instanceof PlinthError) throw error;
    throw invalid('The body is not JSON.', error instanceof Error ? error.message.slice(0, 200) : 'not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('The body is JSON, but not an object.', 'expected an object, {…}');
  }
  return value as Record<string, unknown>;
};

/** How long what is left of a refused body is taken in, in milliseconds. */
const lingerMs = 2_000;

/**
 * An answer to somebody who is still sending: its bytes, and then nothing until the sender has stopped or had two
 * seconds to. Who closes a connection with unread bytes in it resets it, and the sender may never see the answer.
 */
export const answerWhileSending = (answer: string, body: Readable): Readable =>
  Readable.from(
    (async function* () {
      yield Buffer.from(answer, 'utf8');
      await new Promise<void>((resolve) => {
        const limit = setTimeout(resolve, lingerMs);
        finished(body, { writable: false }, () => {
          clearTimeout(limit);
          resolve();
        });
        body.resume();
      });
    })(),
    { objectMode: false },
  );
