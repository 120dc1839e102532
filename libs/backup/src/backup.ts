import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buckets, PlinthError, streams } from '#libs/contracts';
import type { Jet } from '#libs/event-log';
import {
  keyName,
  manifestFile,
  messagesFile,
  plinthStreams,
  remade,
  writeManifest,
  type Manifest,
  type StreamEntry,
} from './manifest.js';
import { ensureFolder, place, requireFree } from './places.js';
import { snapshotStream } from './stream-snapshot.js';

export interface BackupOptions {
  readonly jet: Pick<Jet, 'connection' | 'jsm'>;
  /** A folder, or a file that ends in .tar. */
  readonly path: string;
  /** File with the keys that seal secrets, to be part of it; without it whoever finds the backup opens no secret. */
  readonly keyFile?: string | undefined;
  readonly now?: Date;
  readonly say?: (line: string) => void;
}

/** Before the events: a snapshot of a projection must not be ahead of the log. */
const before: readonly string[] = [`OBJ_${buckets.snapshots}`];

/** Tries to find a moment at which no book was being closed. */
const mostTries = 5;

/**
 * Writes a backup of everything that Plinth keeps, while it runs. It is that of the moment at which the events were
 * read: what events name (contexts, secrets, tokens, logs) is stored before them and read after them.
 *
 * @throws PlinthError ALREADY_EXISTS, NOT_FOUND where there is no log
 * @throws StreamApiError when the server refuses, or breaks off
 */
export const backup = async (options: BackupOptions): Promise<Manifest> => {
  const { jet, path, keyFile, say = () => undefined } = options;
  const wanted = await streamsToBackUp(options);
  await ensureFolder(path);
  const folder = `${path}.parts.partial`;
  await rm(folder, { recursive: true, force: true });
  // Fails where somebody else was quicker: what is in another's folder is for others to read.
  await mkdir(folder, { mode: 0o700 });
  try {
    const take = async (name: string): Promise<StreamEntry> => {
      say(`${name} …`);
      return remade.includes(name) ? configOf(jet, name) : snapshotTo(jet, name, folder);
    };
    const entries = await consistent(jet, wanted, take);
    const key = keyFile === undefined ? null : await copyKey(keyFile, folder);
    const position = Number(entries.at(-1)?.state['last_seq'] ?? 0);
    const manifest: Manifest = {
      format: 'plinth-backup',
      version: 1,
      createdAt: (options.now ?? new Date()).toISOString(),
      position,
      streams: entries,
      key,
    };
    await writeFile(join(folder, manifestFile), writeManifest(manifest), { mode: 0o600 });
    await place(folder, path);
    return manifest;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

/**
 * The streams of Plinth that there are, when a backup could be written to the path.
 *
 * @throws PlinthError ALREADY_EXISTS, NOT_FOUND where there is no log
 */
export const streamsToBackUp = async ({ jet, path }: Pick<BackupOptions, 'jet' | 'path'>): Promise<string[]> => {
  await requireFree(path);
  const names = new Set<string>();
  for await (const name of jet.jsm.streams.names()) names.add(name);
  if (!names.has(streams.events)) {
    throw new PlinthError(
      'NOT_FOUND',
      `There is no ${streams.events} on this server: there is nothing of Plinth in it.`,
    );
  }
  return plinthStreams.filter((name) => names.has(name));
};

/** The events stand last, so that a restore that was broken off is seen by their absence. */
const consistent = async (
  jet: BackupOptions['jet'],
  wanted: readonly string[],
  take: (name: string) => Promise<StreamEntry>,
): Promise<StreamEntry[]> => {
  for (let attempt = 1; attempt <= mostTries; attempt++) {
    const { state } = await jet.jsm.streams.info(streams.events);
    const first: StreamEntry[] = [];
    for (const name of wanted.filter((one) => before.includes(one))) first.push(await take(name));
    const events = await take(streams.events);
    // A book that was closed meanwhile took events away that the snapshots of projections may not hold.
    if (Number(events.state['first_seq']) !== state.first_seq && state.messages > 0) continue;
    const rest: StreamEntry[] = [];
    for (const name of wanted) if (!before.includes(name) && name !== streams.events) rest.push(await take(name));
    return [...rest, ...first, events];
  }
  throw new PlinthError('CONFLICT', 'Books of the log are being closed. Take the backup when that is over.');
};

const configOf = async (jet: BackupOptions['jet'], name: string): Promise<StreamEntry> => {
  const { config } = await jet.jsm.streams.info(name);
  return { name, file: null, sha256: '', bytes: 0, config: { ...config }, state: {} };
};

const snapshotTo = async (jet: BackupOptions['jet'], name: string, folder: string): Promise<StreamEntry> => {
  const { config, state, chunks } = await snapshotStream(jet.connection, name);
  const file = messagesFile(name);
  await mkdir(join(folder, dirname(file)), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  await pipeline(Readable.from(counted()), createWriteStream(join(folder, file), { mode: 0o600, flush: true }));
  // Beside its messages as `nats stream backup` has it: `nats stream restore` takes the folder.
  await writeFile(join(folder, name, 'backup.json'), JSON.stringify({ config, state }), { mode: 0o600 });
  return { name, file, sha256: hash.digest('hex'), bytes, config, state };
};

const copyKey = async (keyFile: string, folder: string): Promise<Manifest['key']> => {
  const content = await readFile(keyFile);
  await writeFile(join(folder, keyName), content, { mode: 0o600 });
  return { file: keyName, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length };
};
