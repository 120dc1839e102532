import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { JetStreamApiError, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import { PlinthError, streams } from '#libs/contracts';
import { crashPoint, type Jet } from '#libs/event-log';
import { backupInvalid, manifestFile, readManifest, type Manifest, type StreamEntry } from './manifest.js';
import { openBackup, type BackupFiles } from './places.js';
import { settle, type Settled } from './settle.js';
import { restoreStream } from './stream-snapshot.js';

export interface RestoreOptions {
  readonly jet: Pick<Jet, 'connection' | 'jsm' | 'events' | 'dispatch'>;
  readonly path: string;
  /** Where the key file goes when the backup holds one and there is none. */
  readonly keyFile?: string | undefined;
  /** Deletes what is there and is not that of the backup. */
  readonly replace?: boolean | undefined;
  /** Most bytes that a stream may keep here, where that is not what it may keep there. */
  readonly maxBytes?: ((stream: string) => number | undefined) | undefined;
  /** Called when everything was checked, before anything is changed. */
  readonly begin?: (() => Promise<void>) | undefined;
  readonly say?: ((line: string) => void) | undefined;
}

export interface Restored extends Settled {
  readonly manifest: Manifest;
  /** Streams that were written now; the others were there from a restore that was broken off. */
  readonly restored: readonly string[];
  /** Whether the keys that seal secrets came with it. */
  readonly key: 'Restored' | 'Present' | 'Absent';
}

/** The manifest of a backup whose every file is as it was written. @throws PlinthError FAILED_PRECONDITION */
export const verifyBackup = async (path: string): Promise<{ files: BackupFiles; manifest: Manifest }> => {
  const files = await openBackup(path);
  const manifest = readManifest(await files.text(manifestFile));
  const parts = [...manifest.streams, ...(manifest.key ? [manifest.key] : [])];
  for (const { file, sha256, bytes } of parts) {
    if (file === null) continue;
    const hash = createHash('sha256');
    let read = 0;
    for await (const chunk of files.read(file)) {
      hash.update(chunk);
      read += chunk.length;
    }
    if (read !== bytes || hash.digest('hex') !== sha256) throw backupInvalid(`${file} is damaged`);
  }
  return { files, manifest };
};

/** What a restore does with a stream: it is there as the backup has it, is written, or takes the place of another. */
export type Plan = 'Kept' | 'Restored' | 'Replaced';

export interface RestorePlan {
  readonly manifest: Manifest;
  readonly key: Restored['key'];
  /** In the order in which they are written. */
  readonly streams: readonly { readonly name: string; readonly bytes: number; readonly plan: Plan }[];
}

/**
 * What `restore` would do, after all the checks that it makes; without a server, as on an empty one.
 *
 * @throws as restore
 */
export const planRestore = async ({
  jet,
  ...options
}: Omit<RestoreOptions, 'jet'> & { readonly jet: RestoreOptions['jet'] | null }): Promise<RestorePlan> => {
  const checked = await check({ ...options, jet });
  const { manifest, key } = checked;
  const streams = manifest.streams.map(({ name, bytes }) => ({ name, bytes, plan: planOf(checked, name) }));
  return { manifest, key: key.state, streams };
};

/**
 * Puts a backup into an empty JetStream. What was broken off is repeated: streams that are there already, as the backup
 * has them, are left alone.
 *
 * @throws PlinthError FAILED_PRECONDITION for a backup that is damaged, a server that holds something else, or a log
 *   that somebody reads
 * @throws StreamApiError when the server refuses
 */
export const restore = async (options: RestoreOptions): Promise<Restored> => {
  const { jet, say = () => undefined } = options;
  const { files, manifest, key, missing, there } = await check(options);
  await options.begin?.();
  if (key.write) await key.write();
  const restored: string[] = [];
  if (missing.length > 0) await removeStreams(jet, [...missing].reverse(), there);
  for (const entry of missing) {
    say(`${entry.name} …`);
    if (entry === manifest.streams.at(-1)) crashPoint('restore.events');
    await restoreEntry(options, entry, files);
    restored.push(entry.name);
  }
  return { manifest, restored, key: key.state, ...(await settle(jet, manifest)) };
};

interface Checked {
  readonly files: BackupFiles;
  readonly manifest: Manifest;
  readonly key: Awaited<ReturnType<typeof checkKey>>;
  readonly missing: readonly StreamEntry[];
  readonly there: ReadonlyMap<string, StreamInfo>;
}

/** Everything that can be wrong is found before anything is changed. */
const check = async ({
  jet,
  path,
  keyFile,
  replace,
}: Pick<RestoreOptions, 'path' | 'keyFile' | 'replace'> & {
  readonly jet: RestoreOptions['jet'] | null;
}): Promise<Checked> => {
  const { files, manifest } = await verifyBackup(path);
  const key = await checkKey(manifest, files, keyFile);
  const there = new Map<string, StreamInfo>();
  for (const { name } of jet ? manifest.streams : []) {
    const info = jet && (await infoOf(jet, name));
    if (info) there.set(name, info);
  }
  const events = manifest.streams.at(-1);
  // The events come last: where they are, everything was restored, and what follows from them was done.
  const whole = events !== undefined && isRestored(events, there.get(events.name));
  const missing = manifest.streams.filter((entry) => {
    const info = there.get(entry.name);
    return whole && entry.file !== null ? info === undefined : !isRestored(entry, info);
  });
  const strange = missing.filter(({ name, file }) => file !== null && (there.get(name)?.state.last_seq ?? 0) > 0);
  if (strange.length > 0 && !replace) {
    throw new PlinthError(
      'FAILED_PRECONDITION',
      `The server holds something else in ${strange.map(({ name }) => name).join(', ')}. Nothing was changed. Restore into an empty server, or delete what is there with --replace.`,
    );
  }
  if (jet && missing.length > 0 && there.has(streams.events)) await refuseReaders(jet);
  return { files, manifest, key, missing, there };
};

const planOf = ({ missing, there }: Checked, name: string): Plan => {
  if (!missing.some((entry) => entry.name === name)) return 'Kept';
  return there.has(name) ? 'Replaced' : 'Restored';
};

/** Whoever reads a log whose place another one takes keeps what it knew, and mixes the two. */
const refuseReaders = async ({ jsm }: RestoreOptions['jet']): Promise<void> => {
  let readers = 0;
  for await (const { num_waiting: waiting } of jsm.consumers.list(streams.events)) if (waiting > 0) readers += 1;
  if (readers === 0) return;
  throw new PlinthError(
    'FAILED_PRECONDITION',
    `${readers === 1 ? 'A program reads' : `${readers} programs read`} ${streams.events} at this moment. Nothing was changed. Stop the services of Plinth, and whatever else follows its events, and restore then.`,
  );
};

const infoOf = async ({ jsm }: RestoreOptions['jet'], name: string): Promise<StreamInfo | undefined> => {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === 10059) return undefined;
    throw error;
  }
};

/** What is remade is always remade; the rest is compared by what cannot be the same by chance. */
const isRestored = ({ file, state }: StreamEntry, info: StreamInfo | undefined): boolean => {
  if (file === null || !info) return false;
  const same = (field: 'messages' | 'first_seq' | 'last_seq') => Number(state[field] ?? 0) === info.state[field];
  const time = (value: unknown) => Date.parse(String(value));
  return (
    (['messages', 'first_seq', 'last_seq'] as const).every(same) && time(state['last_ts']) === time(info.state.last_ts)
  );
};

const removeStreams = async (
  { jsm }: RestoreOptions['jet'],
  entries: readonly StreamEntry[],
  there: ReadonlyMap<string, unknown>,
): Promise<void> => {
  for (const { name } of entries) if (there.has(name)) await jsm.streams.delete(name);
};

const restoreEntry = async (
  { jet, maxBytes }: RestoreOptions,
  entry: StreamEntry,
  files: BackupFiles,
): Promise<void> => {
  const most = maxBytes?.(entry.name);
  const config = { ...entry.config, ...(most === undefined ? {} : { max_bytes: most }) };
  if (entry.file === null) await jet.jsm.streams.add(config as Partial<StreamConfig> & { name: string });
  else await restoreStream(jet.connection, { config, state: entry.state, chunks: files.read(entry.file) });
};

/** Never puts a key in the place of another one: what that one sealed could not be opened any more. */
const checkKey = async (
  { key }: Manifest,
  files: BackupFiles,
  keyFile: string | undefined,
): Promise<{ state: Restored['key']; write?: () => Promise<void> }> => {
  const present = keyFile !== undefined && existsSync(keyFile);
  if (!key) return { state: present ? 'Present' : 'Absent' };
  const content = await files.text(key.file);
  if (keyFile === undefined) return { state: 'Absent' };
  if (!present) {
    const write = async (): Promise<void> => {
      await writeFile(keyFile, content, { mode: 0o600, flag: 'wx' });
    };
    return { state: 'Restored', write };
  }
  if ((await readFile(keyFile, 'utf8')) === content) return { state: 'Present' };
  throw new PlinthError(
    'FAILED_PRECONDITION',
    `${keyFile} holds other keys than the backup. Nothing was changed. Move the file away, or put both keys into it.`,
  );
};
