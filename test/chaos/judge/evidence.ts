/** Collects what the judge reads: the registry's journals, the images, and the event stream of each process. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageReader } from './images.js';
import { noticesIn, putsIn, type Put, isReferrersTag } from './journal.js';

/** An event of the stream, by its names in JSON. */
export interface Entry {
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface DeclaredImage {
  readonly name: string;
  readonly repository: string;
  readonly tags: readonly string[];
  /** File in the image → name of the base whose token it must hold. */
  readonly proofs: Readonly<Record<string, string>>;
}

export interface Evidence {
  readonly images: readonly DeclaredImage[];
  /** Tokens that each base carried, in order; the last one is what it carries now. */
  readonly tokens: Readonly<Record<string, readonly string[]>>;
  /** `repository:tag` → digest now. */
  readonly heads: Readonly<Record<string, string>>;
  /** Manifests put by tag, in order, with their digest, as the registry notified them. */
  readonly moves: readonly Put[];
  /** Number of manifests put by each tag, as the access log has them. */
  readonly putsByTag: Readonly<Record<string, number>>;
  /** Digests that were put by digest, as `repository@digest`, as the access log has them. */
  readonly putsByDigest: ReadonlySet<string>;
  /** `repository@digest` of each manifest that a tag was moved to → the proof files in it. */
  readonly contents: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Who was asked → the whole event stream, as it answered. */
  readonly streams: Readonly<Record<string, readonly Entry[]>>;
}

export interface Sources {
  readonly host: string;
  readonly accessLog: string;
  readonly notices: string;
  readonly images: readonly DeclaredImage[];
  readonly tokens: Readonly<Record<string, readonly string[]>>;
  readonly reader: ImageReader;
  /** Name → URL of each process. */
  readonly services: Readonly<Record<string, string>>;
  readonly token: string;
  /** How many events there are. */
  readonly last: number;
}

export const collect = async (from: Sources): Promise<Evidence> => {
  const { images, reader } = from;
  const { puts, moves } = await journals(from);
  const putsByTag: Record<string, number> = {};
  for (const { repository, reference } of puts.filter((put) => !put.reference.includes(':'))) {
    const name = `${repository}:${reference}`;
    putsByTag[name] = (putsByTag[name] ?? 0) + 1;
  }
  const contents: Record<string, Readonly<Record<string, string>>> = {};
  for (const { repository, tag, digest } of moves) {
    const image = images.find((one) => one.repository === repository);
    if (!image || isReferrersTag(tag)) continue;
    contents[`${repository}@${digest}`] ??= await reader.files(repository, digest, Object.keys(image.proofs));
  }
  const heads: Record<string, string> = {};
  for (const { repository, tags } of images) {
    for (const tag of tags) heads[`${repository}:${tag}`] = (await reader.head(repository, tag)) ?? 'nothing';
  }
  const streams: Record<string, Entry[]> = {};
  for (const [name, url] of Object.entries(from.services))
    streams[name] = await wholeStream(url, from.token, from.last);
  return {
    images,
    tokens: from.tokens,
    heads,
    moves,
    putsByTag,
    putsByDigest: new Set(
      puts
        .filter(({ reference }) => reference.includes(':'))
        .map(({ repository, reference }) => `${repository}@${reference}`),
    ),
    contents,
    streams,
  };
};

/** Longest that notifications may be behind the access log, in milliseconds; the judge will then say what is missing. */
const noticesWithinMs = 60_000;

/** Notifications come after the fact: this waits until there are as many as the access log has. */
const journals = async ({
  host,
  accessLog,
  notices,
}: Sources): Promise<{ puts: ReturnType<typeof putsIn>; moves: Put[] }> => {
  const marker = `/v2/?marker=${process.hrtime.bigint()}`;
  await fetch(`http://${host}${marker}`);
  const deadline = performance.now() + noticesWithinMs;
  for (;;) {
    const log = await readFile(accessLog, 'utf8');
    const puts = putsIn(log);
    const moves = noticesIn(await readFile(notices, 'utf8'));
    const byTag = puts.filter(({ reference }) => !reference.includes(':'));
    const isComplete = log.includes(marker) && moves.length >= byTag.length;
    if (isComplete || performance.now() > deadline) return { puts, moves };
    await delay(50);
  }
};

/** The stream from its beginning to `last`, over plain HTTP. */
const wholeStream = async (url: string, token: string, last: number): Promise<Entry[]> => {
  const stop = new AbortController();
  const response = await fetch(`${url}/v1/events?after=0`, {
    headers: { authorization: `Bearer ${token}` },
    signal: stop.signal,
  });
  if (!response.ok || !response.body) throw new Error(`${url}/v1/events answered ${response.status}`);
  const entries: Entry[] = [];
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) entries.push(JSON.parse(line.slice(6)) as Entry);
    if ((entries.at(-1)?.position ?? 0) >= last) break;
  }
  stop.abort();
  return entries.filter(({ position }) => position <= last);
};
