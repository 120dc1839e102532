/** Everything that the demo starts and sets up before the story begins. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { BaseImages, newToken, platform, tarOf } from './base-image.js';
import { Feed } from './feed.js';
import { declaration, recipes, referenceOf, type Hosts } from './graph.js';
import { startPlinth, type Plinth } from './plinth.js';
import type { Processes } from './processes.js';
import { startRegistry, type Registry } from './registry.js';
import { freePort, programFile, type Workplace } from './workplace.js';

/** Seconds between two looks at each tag of a registry. The company's tells us itself; polling would hide if it did not. */
const pollSeconds = { company: 3600, public: 1 } as const;

export interface Stage {
  readonly plinth: Plinth;
  readonly feed: Feed;
  readonly hosts: Hosts;
  readonly registries: { readonly company: Registry; readonly public: Registry };
  readonly baseImages: BaseImages;
  /** Token and digest that each base carries now. */
  readonly bases: Map<string, { token: string; digest: string }>;
  /** Name of a base or image of the declaration; a reference that it does not have stays as it is. */
  nameOf(reference: string): string;
}

/** Starts Plinth and two registries, pushes the first bases and creates the tasks. */
export const setStage = async (
  workplace: Workplace,
  processes: Processes,
  { webhookSecret }: { webhookSecret?: string | undefined },
): Promise<Stage> => {
  const baseImages = await BaseImages.of(programFile('busybox'));
  const plinth = await startPlinth(workplace, processes);
  const { client } = plinth;
  const feed = new Feed(client);
  const hosts: Hosts = { company: `127.0.0.1:${await freePort()}`, public: `127.0.0.1:${await freePort()}` };
  const secret = `Bearer ${randomBytes(24).toString('base64url')}`;
  await client.setSecret({ name: 'company-webhook', value: secret });
  const { hookPath } = await client.createRegistry({
    host: hosts.company,
    kind: 'Distribution',
    scheme: 'http',
    notifications: { dialect: 'distribution', secret: 'company-webhook' },
    poll: { intervalSeconds: pollSeconds.company },
  });
  await client.createRegistry({
    host: hosts.public,
    kind: 'Distribution',
    scheme: 'http',
    poll: { intervalSeconds: pollSeconds.public },
  });
  const notify = { url: `${plinth.url}${hookPath}`, authorization: webhookSecret ?? secret };
  const registries = {
    company: await startRegistry({ name: 'company', host: hosts.company, notify }, workplace, processes),
    public: await startRegistry({ name: 'public', host: hosts.public }, workplace, processes),
  };
  const names = new Map(
    [...declaration.bases, ...declaration.images].map(({ name }) => [referenceOf(name, hosts), name]),
  );
  const stage: Stage = {
    plinth,
    feed,
    hosts,
    registries,
    baseImages,
    bases: new Map(),
    nameOf: (reference) => names.get(reference) ?? reference,
  };
  for (const { name } of declaration.bases) await pushBase(stage, name);
  await Promise.all(recipes.map((recipe) => createTask(stage, recipe)));
  return stage;
};

/** Pushes a new generation of a base, with a new token; answers when it was pushed and what was there before. */
export const pushBase = async (
  { bases, baseImages, hosts }: Stage,
  name: string,
): Promise<{ at: number; from: string | undefined; to: string }> => {
  const base = declaration.bases.find((one) => one.name === name);
  if (!base) throw new Error(`The demo declares no base ${name}.`);
  const token = newToken();
  const { digest, at } = await baseImages.push(hosts[base.registry], base.repository, base.tag, token);
  const from = bases.get(name)?.digest;
  bases.set(name, { token, digest });
  return { at, from, to: digest };
};

const createTask = async (
  { plinth: { client }, hosts }: Stage,
  { name, dockerfile, automatic, baseImageTriggerType }: (typeof recipes)[number],
): Promise<void> => {
  const text = dockerfile((other) => referenceOf(other, hosts));
  const archive = gzipSync(await tarOf([{ name: 'Dockerfile', content: text }]));
  const { contextPath } = await client.uploadContext({}, archive, { contentType: 'application/gzip' });
  await client.createTask({
    name,
    platforms: [platform],
    // A step that comes from the cache would repeat its id, and so hide that something was built again.
    step: { type: 'Docker', contextPath, imageNames: [referenceOf(name, hosts)], noCache: true },
    trigger: { baseImageTrigger: { baseImageTriggerType, status: automatic ? 'Enabled' : 'Disabled' } },
  });
};
