import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Processes } from './processes.js';
import { path, programFile, type Workplace } from './workplace.js';

export interface Registry {
  /** `127.0.0.1:PORT`, as it stands in image names. */
  readonly host: string;
  /** Access log: one line for each request, in the order in which they were answered. */
  readonly journal: string;
  /** Its own messages. */
  readonly log: string;
  /** Writes a marker into the journal and resolves when it stands there: everything answered before is above it. */
  mark(marker: string): Promise<void>;
}

export interface RegistryOptions {
  readonly name: string;
  readonly host: string;
  /** Where it sends its notifications, and the value of their Authorization header. */
  readonly notify?: { readonly url: string; readonly authorization: string };
}

/** Starts a docker-registry (CNCF Distribution). Rejects when it ends, or does not answer within 15 s. */
export const startRegistry = async (
  { name, host, notify }: RegistryOptions,
  workplace: Workplace,
  processes: Processes,
): Promise<Registry> => {
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: workplace.file(name) } },
    http: { addr: host, secret: randomBytes(16).toString('hex') },
    log: { level: 'warn' },
    ...(notify && {
      notifications: {
        endpoints: [
          {
            name: 'plinth',
            url: notify.url,
            headers: { Authorization: [notify.authorization] },
            timeout: '2s',
            threshold: 3,
            backoff: '1s',
          },
        ],
      },
    }),
  };
  const file = workplace.file(`${name}.yml`);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  const journal = workplace.log(`${name}.journal`);
  const log = workplace.log(`${name}.log`);
  const started = await processes.start({
    name,
    command: programFile('docker-registry'),
    args: ['serve', file],
    output: journal,
    log,
    env: { ...process.env, PATH: path },
  });
  let end: string | undefined;
  void started.ended.then((how) => (end = how));
  const deadline = performance.now() + 15_000;
  while (!(await answers(host))) {
    if (end !== undefined) throw new Error(`docker-registry ended with ${end}; its log is ${log}.`);
    if (performance.now() > deadline) throw new Error(`docker-registry did not answer within 15 s; its log is ${log}.`);
    await delay(20);
  }
  return { host, journal, log, mark: (marker) => mark(host, journal, marker) };
};

const answers = (host: string): Promise<boolean> =>
  fetch(`http://${host}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );

const mark = async (host: string, journal: string, marker: string): Promise<void> => {
  const changed = new AbortController();
  const stands = async (): Promise<boolean> => (await readFile(journal, 'utf8')).includes(`?marker=${marker} `);
  const written = new Promise<void>((resolve) => {
    const look = (): void => void stands().then((found) => (found ? resolve() : undefined));
    watch(journal, { signal: changed.signal }, look);
  });
  await fetch(`http://${host}/v2/?marker=${marker}`);
  // What was written before watching began makes no event.
  if (!(await stands())) await written;
  changed.abort();
};
