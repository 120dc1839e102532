/**
 * The check at the end. It imports nothing of Plinth: what it knows comes from the registries, by HTTP and tar, from
 * their own journals, and from the declaration of the demo.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';

// ── What is declared ────────────────────────────────────────────────────────────────────────────────────────────────

/** An image that people push: a base. */
export interface DeclaredBase {
  readonly name: string;
  readonly registry: 'company' | 'public';
  readonly repository: string;
  readonly tag: string;
}

/** An image that is built on others. */
export interface DeclaredImage {
  readonly name: string;
  readonly repository: string;
  readonly tag: string;
  /** Names of the bases and images whose move must rebuild it. */
  readonly standsOn: readonly string[];
  /** Whether it is rebuilt when they move. */
  readonly automatic: boolean;
  /** File in the image → name of the base whose token it must hold. */
  readonly proofs: Readonly<Record<string, string>>;
}

export interface Declaration {
  readonly bases: readonly DeclaredBase[];
  /** Each after those that it stands on. */
  readonly images: readonly DeclaredImage[];
}

/** Images that must be rebuilt when a base moves, each after those that it stands on: each of them once is the minimum. */
export const mustBeRebuilt = (declaration: Declaration, base: string): DeclaredImage[] => {
  const moved = new Set([base]);
  const images: DeclaredImage[] = [];
  for (const image of declaration.images) {
    if (!image.automatic || !image.standsOn.some((name) => moved.has(name))) continue;
    moved.add(image.name);
    images.push(image);
  }
  return images;
};

// ── The check ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Evidence {
  readonly declaration: Declaration;
  /** Host of each registry, and the file that has its access log. */
  readonly registries: Readonly<Record<DeclaredBase['registry'], { readonly host: string; readonly journal: string }>>;
  /** What was moved, in order. A request with the marker stands in each journal before what the move caused. */
  readonly moves: readonly { readonly base: string; readonly marker: string }[];
  /** Token that each base carried when everything was built first, and the one that it carries now. */
  readonly tokens: Readonly<Record<string, { readonly first: string; readonly now: string }>>;
}

export interface Verdict {
  /** Builds of each image after each move, beside the minimum. */
  readonly builds: readonly { readonly image: string; readonly counts: readonly (readonly [number, number])[] }[];
  readonly filesRead: number;
  /** What does not hold, one sentence each; empty when all does. */
  readonly problems: readonly { readonly check: 'content' | 'order' | 'count'; readonly sentence: string }[];
}

/** Reads the registries and their journals, and says what does not hold. */
export const verify = async (evidence: Evidence): Promise<Verdict> => {
  const { declaration, moves, registries } = evidence;
  const problems: Verdict['problems'][number][] = [];
  let filesRead = 0;
  for (const image of declaration.images) {
    const files = await filesOf(registries.company.host, image, Object.keys(image.proofs));
    filesRead += files.size;
    problems.push(
      ...contentProblems(image, files, evidence.tokens).map((sentence) => ({ check: 'content' as const, sentence })),
    );
  }
  const pushes = pushesIn(await readFile(registries.company.journal, 'utf8'));
  const segments = moves.map(({ base, marker }) => ({ base, pushes: pushesAfter(pushes, marker) }));
  const builds = declaration.images.map((image) => ({
    image: image.name,
    counts: segments.map(({ base, pushes: all }): [number, number] => [
      all.filter((push) => isOf(image, push)).length,
      mustBeRebuilt(declaration, base).includes(image) ? 1 : 0,
    ]),
  }));
  for (const [i, { base, pushes: segment }] of segments.entries()) {
    for (const sentence of orderProblems(declaration, base, segment)) problems.push({ check: 'order', sentence });
    for (const { image, counts } of builds) {
      const [counted = 0, minimum = 0] = counts[i] ?? [];
      if (counted === minimum) continue;
      problems.push({
        check: 'count',
        sentence: `${image} was built ${times(counted)} after ${base} moved; the declared graph asks for ${minimum}.`,
      });
    }
  }
  return { builds, filesRead, problems };
};

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

export const contentProblems = (
  { name, automatic, proofs }: DeclaredImage,
  files: ReadonlyMap<string, string>,
  tokens: Evidence['tokens'],
): string[] =>
  Object.entries(proofs).flatMap(([path, base]) => {
    const { first, now } = tokens[base] ?? { first: '', now: '' };
    const found = files.get(path)?.trim();
    if (found === (automatic ? now : first)) return [];
    if (found === undefined) return [`${name} has no file ${path}, which its build writes.`];
    if (!automatic)
      return [`${name} was to be left alone, but its ${path} does not hold the old token of ${base} any more.`];
    return [
      `${name} still stands on an old ${base}: its ${path} holds the token ${found}, and ${base} carries ${now} now.`,
    ];
  });

// ── The journal ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface JournalLine {
  /** Number in the journal, from 1. */
  readonly line: number;
  /** `repository:tag` of a manifest that was pushed by tag, else null. */
  readonly pushed: string | null;
  readonly marker: string | null;
}

/** Markers, and manifests that were put by tag, in the order in which the registry answered them. */
export const pushesIn = (journal: string): JournalLine[] =>
  journal.split('\n').flatMap((text, index): JournalLine[] => {
    const [, method, path = '', status] = /"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) /.exec(text) ?? [];
    const line = index + 1;
    const marker = /^\/v2\/\?marker=([\w-]+)$/.exec(path)?.[1];
    if (method === 'GET' && marker !== undefined) return [{ line, pushed: null, marker }];
    const [, repository, tag] = /^\/v2\/(.+)\/manifests\/([^/:]+)$/.exec(path) ?? [];
    if (method !== 'PUT' || status !== '201' || repository === undefined) return [];
    return [{ line, pushed: `${repository}:${tag}`, marker: null }];
  });

/** What was pushed between this marker and the next one. */
const pushesAfter = (lines: readonly JournalLine[], marker: string): JournalLine[] => {
  const begin = lines.findIndex((line) => line.marker === marker);
  if (begin < 0) throw new Error(`The journal of the registry has no marker ${marker}.`);
  const rest = lines.slice(begin + 1);
  const end = rest.findIndex((line) => line.marker !== null);
  return end < 0 ? rest : rest.slice(0, end);
};

const isOf = ({ repository, tag }: DeclaredImage, { pushed }: JournalLine): boolean =>
  pushed === `${repository}:${tag}`;

/** An image that was pushed before the last push of one that it stands on was built on something old. */
export const orderProblems = (declaration: Declaration, base: string, pushes: readonly JournalLine[]): string[] => {
  const rebuilt = mustBeRebuilt(declaration, base);
  return rebuilt.flatMap((image) =>
    rebuilt
      .filter(({ name }) => image.standsOn.includes(name))
      .flatMap((below) => {
        const first = pushes.find((push) => isOf(image, push));
        const last = pushes.findLast((push) => isOf(below, push));
        if (!first || !last || last.line < first.line) return [];
        return [
          `${image.name} was built before ${below.name}, which it stands on: line ${first.line} of the registry's journal, and line ${last.line}.`,
        ];
      }),
  );
};

// ── The images ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Descriptor {
  readonly digest: string;
  readonly platform?: { readonly os: string };
}
interface Manifest {
  readonly manifests?: readonly Descriptor[];
  readonly layers?: readonly Descriptor[];
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** The text of these files in an image, read from its layers, the lowest first. */
const filesOf = async (
  host: string,
  { repository, tag }: Pick<DeclaredImage, 'repository' | 'tag'>,
  paths: readonly string[],
): Promise<Map<string, string>> => {
  const manifest = await manifestOf(`http://${host}/v2/${repository}`, tag);
  const files = new Map<string, string>();
  for (const { digest } of manifest.layers ?? []) {
    const bytes = await get(`http://${host}/v2/${repository}/blobs/${digest}`);
    if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest) {
      throw new Error(`The blob ${digest} of ${repository} has another content than its digest says.`);
    }
    await applyLayer(bytes, paths, files);
  }
  return files;
};

const manifestOf = async (url: string, reference: string): Promise<Manifest> => {
  const manifest = JSON.parse((await get(`${url}/manifests/${reference}`, manifestTypes)).toString('utf8')) as Manifest;
  const child = manifest.manifests?.find(({ platform }) => platform?.os !== 'unknown');
  return child ? manifestOf(url, child.digest) : manifest;
};

/** OCI image-spec, layer.md: later layers replace files, `.wh.` files remove them. */
const applyLayer = async (bytes: Buffer, paths: readonly string[], files: Map<string, string>): Promise<void> => {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const tar = Readable.from([isGzip ? gunzipSync(bytes) : bytes]).pipe(extract());
  for await (const entry of tar) {
    const path = posix.join('/', entry.header.name);
    const { dir, base } = posix.parse(path);
    const removed =
      base === '.wh..wh..opq' ? dir : base.startsWith('.wh.') ? posix.join(dir, base.slice(4)) : undefined;
    if (removed !== undefined) {
      for (const file of files.keys()) if (file === removed || file.startsWith(`${removed}/`)) files.delete(file);
    } else if (paths.includes(path) && entry.header.type === 'file') {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      files.set(path, Buffer.concat(chunks).toString('utf8'));
    }
    entry.resume();
  }
};

const get = async (url: string, accept = '*/*'): Promise<Buffer> => {
  const response = await fetch(url, { headers: { accept } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
};
