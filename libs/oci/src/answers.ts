import type { Dispatcher } from 'undici';
import { RegistryError, type RegistryErrorCode } from './errors.js';
import { parseRateLimit, parseRetryAfter } from './rate-limit.js';

/** What came back for one call, after redirects and authentication. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Dispatcher.ResponseData['body'];
  readonly url: URL;
}

/** Who asked for what: the words of an error message. */
export interface Asked {
  readonly registry: string;
  readonly reference?: string;
  /** What was done, after "to": `GET manifest`. */
  readonly doing: string;
}

export function header(answer: Pick<Answer, 'headers'>, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Content-Type without parameters. */
export function contentType(answer: Pick<Answer, 'headers'>): string | undefined {
  return header(answer, 'content-type')?.split(';')[0]?.trim().toLowerCase() || undefined;
}

/**
 * The whole body, when it is not longer than limit bytes. Content-Length is believed only for refusing early.
 * @throws RegistryError TOO_LARGE
 */
export async function readBytes(answer: Answer, limit: number, asked: Asked): Promise<Buffer> {
  const tooLarge = () =>
    new RegistryError('TOO_LARGE', `${subject(asked)}: the answer to ${asked.doing} is longer than ${limit} bytes`, {
      ...asked,
      status: answer.status,
    });
  if (Number(header(answer, 'content-length') ?? 0) > limit) {
    discard(answer);
    throw tooLarge();
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Drops a body that nobody reads, without an unhandled error. */
export function discard(answer: Pick<Answer, 'body'>): void {
  answer.body.on('error', () => undefined);
  answer.body.destroy();
}

/** Reads a short body to its end, so that its connection can be used again. */
export async function drain(answer: Pick<Answer, 'body'>): Promise<void> {
  await answer.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
}

/** The error that an unwanted answer means, with the registry's own words. */
export async function errorFrom(answer: Answer, asked: Asked, nowMs: number): Promise<RegistryError> {
  const said = await words(answer);
  const code = codeOf(answer.status, said);
  const retryAfterMs = parseRetryAfter(answer.headers, nowMs);
  const advice = hint(code, retryAfterMs);
  return new RegistryError(
    code,
    `${subject(asked)}: ${answer.url.host} answered ${answer.status} to ${asked.doing}${said && `: ${said}`}${advice && ` (${advice})`}`,
    { ...asked, status: answer.status, retryAfterMs, rateLimit: parseRateLimit(answer.headers) },
  );
}

export function subject(asked: Asked): string {
  return asked.reference ?? asked.registry;
}

const ERROR_BODY_LIMIT = 64 * 1024;
const WORDS_LIMIT = 500;

/** OCI's `{errors: [{code, message, detail}]}`, a token server's `{details}`, or plain text; on one line. */
async function words(answer: Answer): Promise<string> {
  let text = '';
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length > ERROR_BODY_LIMIT) break;
    }
  } catch (error) {
    text ||= `(its words were lost: ${(error as Error).message})`;
  }
  return oneLine(fromJson(text) ?? text.replace(/<[^>]*>/g, ' '));
}

function fromJson(text: string): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller takes it as plain text
  }
  if (typeof body !== 'object' || body === null) return undefined;
  const { errors, details, message, error_description: description, error } = body as Record<string, unknown>;
  if (Array.isArray(errors)) {
    const said = errors.map((entry: unknown) => {
      const { code, message: why, detail } = (entry ?? {}) as Record<string, unknown>;
      return [code, why, typeof detail === 'string' && detail !== why ? detail : undefined].filter(Boolean).join(': ');
    });
    if (said.some(Boolean)) return said.filter(Boolean).join('; ');
  }
  return [details, message, description, error].find((value): value is string => typeof value === 'string');
}

/** Registries are not trusted with our terminals and logs: control characters go, length is bounded. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g, ' ').trim();
  return clean.length > WORDS_LIMIT ? `${clean.slice(0, WORDS_LIMIT)}…` : clean;
}

function codeOf(status: number, said: string): RegistryErrorCode {
  if (status === 429 || /\bTOOMANYREQUESTS\b/.test(said)) return 'RATE_LIMITED';
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'DENIED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 408 || status === 504) return 'TIMEOUT';
  if (status >= 500) return 'UNAVAILABLE';
  return status >= 400 ? 'REJECTED' : 'INVALID_RESPONSE';
}

function hint(code: RegistryErrorCode, retryAfterMs: number | undefined): string {
  if (retryAfterMs !== undefined) return `it asks to wait ${Math.ceil(retryAfterMs / 1000)} s`;
  if (code === 'UNAUTHORIZED') return 'check the credentials of this registry; a missing repository may look the same';
  if (code === 'DENIED') return 'the account lacks the right for this';
  return '';
}
