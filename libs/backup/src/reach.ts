import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beginRestore, DataLock, embeddedLimits, endRestore, SupervisedNats } from '#libs/embedded';
import { connectionOf, Jet, silentLogger, systemClock } from '#libs/event-log';
import { buckets, PlinthError, streams } from '#libs/contracts';

type Env = Readonly<Record<string, string | undefined>>;

/** The JetStream of a Plinth, however that runs. */
export interface Reached {
  readonly jet: Jet;
  /** Where its key file is, or goes. */
  readonly keyFile: string;
  /** Most bytes that its streams may keep; undefined where the operator of the server decides. */
  readonly maxBytes: ((stream: string) => number | undefined) | undefined;
  close(): Promise<void>;
}

export interface ReachedToRestore extends Reached {
  /** To be called when everything was checked, before anything is changed. */
  readonly begin: () => Promise<void>;
}

export interface ReachOptions {
  readonly env: Env;
  /** Data folder of a standalone. */
  readonly data: string;
  /** Program to run as the server of a standalone that is stopped; found on PATH. */
  readonly natsServer?: string | undefined;
}

/** Where the file with the keys that seal secrets is, or goes. */
export const keyFileOf = ({ env, data }: ReachOptions): string =>
  env['PLINTH_KEY_FILE'] || join(resolve(data), 'plinth.key');

const external = async (options: ReachOptions, url: string): Promise<Reached> => {
  const { env } = options;
  const settings = { ...env, PLINTH_NATS_URL: url };
  try {
    const jet = await Jet.connect({ ...connectionOf(settings), name: 'backup' });
    return { jet, keyFile: keyFileOf(options), maxBytes: undefined, close: () => jet.close() };
  } catch (error) {
    throw new PlinthError('UNAVAILABLE', `NATS at ${url} cannot be used: ${(error as Error).message}`, [], {
      cause: error,
    });
  }
};

const embedded = async (options: ReachOptions): Promise<Reached> => {
  const folder = resolve(options.data);
  const nats = await SupervisedNats.start({
    folder: join(folder, 'nats'),
    clock: systemClock,
    logger: silentLogger,
    ...(options.natsServer === undefined ? {} : { program: options.natsServer }),
  });
  try {
    const { url, user, password } = nats.access;
    const jet = await Jet.connect({ servers: url, user, pass: password, name: 'backup' });
    const limits = maxBytesOf(nats.maxFileStore);
    const close = async (): Promise<void> => {
      await jet.close();
      await nats.stop();
    };
    return { jet, keyFile: keyFileOf(options), maxBytes: (stream) => limits.get(stream), close };
  } catch (error) {
    await nats.stop();
    throw error;
  }
};

/** What the streams of an embedded server may keep there: its disk may be another one than that of the backup. */
const maxBytesOf = (bytes: number): ReadonlyMap<string, number> => {
  const limits = embeddedLimits(bytes);
  const kv = Object.values(buckets).map((bucket): [string, number | undefined] => [`KV_${bucket}`, limits.kvMaxBytes]);
  const blobs = Object.values(buckets).map((name): [string, number | undefined] => [
    `OBJ_${name}`,
    limits.blobsMaxBytes,
  ]);
  const all: [string, number | undefined][] = [
    [streams.events, limits.eventsMaxBytes],
    [streams.logs, limits.logsMaxBytes],
    [streams.dispatch, limits.dispatchMaxBytes],
    [streams.dead, limits.deadMaxBytes],
    ...kv,
    ...blobs,
  ];
  return new Map(all.flatMap(([name, most]): [string, number][] => (most === undefined ? [] : [[name, most]])));
};

/** Whether anything was ever stored where the options lead; the NATS of somebody else is taken to hold something. */
export const hasStore = ({ env, data }: ReachOptions): boolean =>
  Boolean(env['PLINTH_NATS_URL']) || existsSync(join(resolve(data), 'nats', 'store'));

/**
 * To read: the NATS that PLINTH_NATS_URL names; else the server of the standalone, the one that runs or one for now.
 *
 * @throws PlinthError NOT_FOUND, UNAVAILABLE
 */
export const reachToRead = async (options: ReachOptions): Promise<Reached> => {
  const url = options.env['PLINTH_NATS_URL'];
  if (url) return external(options, url);
  const folder = resolve(options.data);
  const running = await SupervisedNats.running(join(folder, 'nats'));
  if (running) {
    const { url: servers, user, password } = running;
    const jet = await Jet.connect({ servers, user, pass: password, name: 'backup' });
    return { jet, keyFile: keyFileOf(options), maxBytes: undefined, close: () => jet.close() };
  }
  if (!hasStore(options)) {
    throw new PlinthError(
      'NOT_FOUND',
      `There is no Plinth in ${folder}. Name its folder with --data, or its NATS with PLINTH_NATS_URL.`,
    );
  }
  return locked(folder, () => embedded(options));
};

/**
 * To write: nothing may run on it meanwhile. What the services projected from another log is removed when the restore
 * begins, and from then on Plinth does not start on the folder before it is done.
 *
 * @throws PlinthError FAILED_PRECONDITION when Plinth runs on the folder
 */
export const reachToRestore = async (options: ReachOptions, from: string): Promise<ReachedToRestore> => {
  const url = options.env['PLINTH_NATS_URL'];
  if (url) return { ...(await external(options, url)), begin: () => Promise.resolve() };
  const folder = resolve(options.data);
  const begin = async (): Promise<void> => {
    await beginRestore(folder, from);
    await removeProjections(folder);
  };
  return { ...(await locked(folder, () => embedded(options))), begin };
};

/** The restore is whole: Plinth may start on the folder again. */
export const restoreIsDone = async ({ env, data }: ReachOptions): Promise<void> => {
  if (!env['PLINTH_NATS_URL']) await endRestore(resolve(data));
};

const locked = async (folder: string, reach: () => Promise<Reached>): Promise<Reached> => {
  let lock: DataLock;
  try {
    lock = await DataLock.take(folder);
  } catch (error) {
    throw new PlinthError('FAILED_PRECONDITION', (error as Error).message, [], { cause: error });
  }
  try {
    const reached = await reach();
    const close = async (): Promise<void> => {
      await reached.close();
      await lock.release();
    };
    return { ...reached, close };
  } catch (error) {
    await lock.release();
    throw error;
  }
};

const removeProjections = async (folder: string): Promise<void> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const inService = /^[^/]+$/.test(entry.parentPath.slice(folder.length + 1));
    if (inService && entry.isFile() && /\.sqlite(-\w+)?$/.test(entry.name)) {
      await rm(join(entry.parentPath, entry.name));
    }
  }
};
