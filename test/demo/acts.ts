/** The acts of the story: each shows something and answers what it saw. */
import { readFile } from 'node:fs/promises';
import { Board } from './board.js';
import { NotInTime } from './feed.js';
import { declaration, recipes, referenceOf } from './graph.js';
import { succeeded } from './runs.js';
import type { Backstage, Sabotage } from './sabotage.js';
import { seconds, short, type Screen } from './screen.js';
import { pushBase, type Stage } from './stage.js';
import { mustBeRebuilt, type DeclaredBase } from './verify.js';

/** Longest that it may take to notice a move, in milliseconds. */
const noticeMs = { company: 10_000, public: 10_000 } as const;
/** Longest that everything which a move makes stale may take. */
const waveMs = 120_000;

/** What does not hold, as one sentence. */
export class ActFailed extends Error {
  readonly code = 'ACT_FAILED';
}

/** Builds each image for the first time, after those that it stands on; independent ones at the same time. */
export const buildAll = async ({ plinth: { client }, feed, nameOf }: Stage, screen: Screen): Promise<void> => {
  const images = recipes.map(({ name }) => name);
  const board = new Board({ feed, screen, nameOf, images, since: Date.now(), after: feed.events.length });
  try {
    const done = new Map<string, Promise<void>>();
    for (const { name, standsOn } of recipes) {
      const below = standsOn.flatMap((one) => done.get(one) ?? []);
      const build = async (): Promise<void> => {
        await Promise.all(below);
        const { runId } = await client.runTask({ name });
        await succeeded(feed, runId, name);
      };
      done.set(name, build());
    }
    await Promise.all(done.values());
    await allFresh({ client, feed });
  } finally {
    board.end();
  }
};

/** Waits until every task stands on what is adopted: until the answers to what the runs pushed are in. */
const allFresh = async ({ client, feed }: Backstage): Promise<void> => {
  for (;;) {
    const seen = feed.events.length;
    const position = feed.events.at(-1)?.position ?? 0;
    const { states } = await client.listStates({}, { position });
    const waiting = states.filter(({ state }) => state !== 'Fresh');
    if (waiting.length === 0) return;
    const what = `That ${waiting.map(({ task, state }) => `${task} (${state})`).join(', ')} becomes Fresh`;
    await feed.until((event) => event, { after: seen, timeoutMs: 30_000, what });
  }
};

/** What one move of a base led to, in milliseconds after the push. */
export interface Moved {
  readonly base: string;
  readonly marker: string;
  readonly noticed: number;
  readonly firstRun: number;
  readonly lastImage: number;
}

/**
 * Moves a base and shows what comes of it until the wave is closed.
 * @throws ActFailed when the move is not noticed in time, or not in the way that its registry has
 */
export const moveBase = async (
  stage: Stage,
  screen: Screen,
  base: DeclaredBase,
  sabotage: Sabotage | undefined,
): Promise<Moved> => {
  const { feed, registries, hosts, nameOf, plinth } = stage;
  const backstage = { client: plinth.client, feed };
  const reference = referenceOf(base.name, hosts);
  const marker = `move-${base.name}`;
  await sabotage?.beforeMove?.(backstage);
  await Promise.all([registries.company.mark(marker), registries.public.mark(marker)]);
  const begin = feed.events.length;
  const { at, from = '', to } = await pushBase(stage, base.name);
  await sabotage?.afterPush?.(backstage);
  screen.say(`  ${'pushed'.padEnd(10)} ${reference}   ${short(from)} → ${short(to)}, with a new token`);
  const affected = mustBeRebuilt(declaration, base.name).map(({ name }) => name);
  const idle = recipes.filter(({ standsOn, automatic }) => !automatic && standsOn.includes(base.name));
  const images = recipes
    .map(({ name }) => name)
    .filter((name) => affected.includes(name) || idle.some((one) => one.name === name));
  const board = new Board({ feed, screen, nameOf, images, since: at, after: begin });
  try {
    const noticed = (await noticing(stage, base, reference, begin, to)) - at;
    const how =
      base.registry === 'company'
        ? 'by webhook: the registry told Plinth, and a look at the tag found it'
        : 'by polling: this registry tells nobody, so Plinth looks by itself, every second or so';
    screen.say(`  ${`+${seconds(noticed)}`.padEnd(10)} noticed ${how}`);
    const wave = await feed.until(
      (event) => (event.type === 'wave.opened' && event.data.to === to ? event.data : undefined),
      { after: begin, timeoutMs: 30_000, what: `That the move of ${base.name} makes a wave` },
    );
    screen.say(`  ${''.padEnd(10)} ${count(wave.tasks, 'image')} to rebuild, ${count(wave.depth, 'level')} deep`);
    const closed = await feed.until(
      (event) => (event.type === 'wave.closed' && event.data.wave === wave.wave ? event : undefined),
      { after: begin, timeoutMs: waveMs, what: `That everything which stands on ${base.name} is rebuilt` },
    );
    const lastImage = lastPush(stage, begin) - at;
    const firstRun = (board.firstRunAt ?? Date.parse(closed.time)) - at;
    await sabotage?.afterWave?.(backstage);
    return { base: base.name, marker, noticed, firstRun, lastImage };
  } finally {
    board.end();
  }
};

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

/** When the tag was found to have moved, in milliseconds since the epoch. */
const noticing = async (
  { feed, registries }: Stage,
  { name, registry }: DeclaredBase,
  reference: string,
  begin: number,
  to: string,
): Promise<number> => {
  const limit = noticeMs[registry];
  try {
    const { seenBy, time } = await feed.until(
      (event) =>
        event.type === 'tag.moved' && event.data.reference === reference && event.data.to.digest === to
          ? { seenBy: event.data.seenBy, time: event.time }
          : undefined,
      { after: begin, timeoutMs: limit, what: `That ${name} moves` },
    );
    const expected = registry === 'company' ? 'Webhook' : 'Poll';
    if (seenBy !== expected) throw new ActFailed(`The move of ${name} was noticed by ${seenBy}, not by ${expected}.`);
    return Date.parse(time);
  } catch (error) {
    if (!(error instanceof NotInTime)) throw error;
    throw new ActFailed(
      registry === 'company'
        ? `The webhook did not arrive: ${name} moved in the company's registry, and Plinth did not notice within ${limit / 1000} s. ${await wordsOf(registries.company.log)}`
        : `The move of ${name} in the public registry was not noticed by polling within ${limit / 1000} s.`,
    );
  }
};

/** What the company's registry last said of its notifications. */
const wordsOf = async (log: string): Promise<string> => {
  const said = [
    ...(await readFile(log, 'utf8')).matchAll(/error writing events: [^"]*?: (response [^"]*?)(?:, retrying)?"/g),
  ];
  const last = said.at(-1)?.[1];
  return last === undefined ? `The registry's log is ${log}.` : `The registry says: ${last} (${log}).`;
};

/** When the last run moved its tags, in milliseconds since the epoch. */
const lastPush = ({ feed }: Stage, begin: number): number =>
  Math.max(
    0,
    ...feed.events.slice(begin).map((event) => (event.type === 'run.succeeded' ? Date.parse(event.time) : 0)),
  );
