import { sleep, type Clock, type Logger } from '#libs/event-log';
import type { RegistryDirectory } from '#libs/registries';
import type { WatchList } from '../watchlist/watch-list.js';
import { Budget } from './budget.js';
import { HubError, type HubPage, type ReadHubPage } from './hub-page.js';
import { pollSettingsOf } from './settings.js';

export interface HubTagsDependencies {
  readonly read: ReadHubPage;
  /** Repositories at Docker Hub that are followed there, such as `library/node`, with how many watched tags each has. */
  readonly repositories: () => Iterable<readonly [repository: string, tags: number]>;
  /** Digest that the last look found behind a tag; undefined for a tag that is not watched. */
  readonly digestOf: (repository: string, tag: string) => string | null | undefined;
  /** The list shows another digest behind a tag: it is looked at as soon as the budget of looks allows. */
  readonly differs: (repository: string, tag: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1; spreads pauses. */
  readonly random?: () => number;
}

export interface HubView {
  /** Repositories whose lists are read. */
  readonly repositories: number;
  readonly requests: number;
  readonly pausedUntil: number | null;
  readonly lastError: { readonly message: string; readonly at: number } | null;
}

export const hubHost = 'docker.io';
/** Fewer watched tags of one repository are cheaper to look at one by one. */
export const worthFrom = 5;
/** Requests a second: 30 a minute, where 180 a minute are permitted to an address (`X-RateLimit-Limit`). */
const requestsPerSecond = 0.5;
/** A list is read no more often. */
const everyMs = 60_000;
/** Pages until something older than what was there last time is met; more is left to the looks. */
const pagesMost = 10;

interface Repository {
  readAt: number;
  /** When the newest tag of the list was pushed, when it was read last. */
  newest: number | undefined;
  /** Digests that a look was asked for, so that a list which is wrong is not believed twice. */
  readonly told: Map<string, string>;
}

/**
 * Reads the lists of tags of repositories at Docker Hub of which many tags are watched: one request says of a hundred tags
 * which digests they have, and it is counted apart from looks and pulls. What differs is looked at; the look is the truth.
 */
export class HubTags {
  private readonly known = new Map<string, Repository>();
  private readonly budget: Budget;
  private readonly stopping = new AbortController();
  private due: string[] = [];
  private passedAt = -Infinity;
  private requests = 0;
  private running: Promise<void> | undefined;

  constructor(private readonly with_: HubTagsDependencies) {
    this.budget = new Budget({ requestsPerSecond, concurrency: 1 }, with_.random);
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  view(): HubView {
    const { pausedUntil, lastError } = this.budget.view(this.now());
    return { repositories: this.known.size, requests: this.requests, pausedUntil, lastError };
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const now = this.now();
      if (this.due.length === 0 && now - this.passedAt >= everyMs) this.pass(now);
      const repository = this.due.pop();
      if (repository === undefined) await sleep(this.with_.clock, this.passedAt + everyMs - now, signal);
      else await this.list(repository);
    }
  }

  /** What is due, the one that has waited longest last; forgets what nobody watches any more. */
  private pass(now: number): void {
    this.passedAt = now;
    const worth = new Set([...this.with_.repositories()].flatMap(([name, tags]) => (tags >= worthFrom ? [name] : [])));
    for (const name of this.known.keys()) if (!worth.has(name)) this.known.delete(name);
    for (const name of worth) {
      if (!this.known.has(name)) this.known.set(name, { readAt: -Infinity, newest: undefined, told: new Map() });
    }
    this.due = [...this.known].sort(([, a], [, b]) => b.readAt - a.readAt).map(([name]) => name);
  }

  private async list(name: string): Promise<void> {
    const repository = this.known.get(name);
    if (!repository) return;
    const { newest } = repository;
    repository.readAt = this.now();
    for (let page = 1; page <= pagesMost && !this.stopping.signal.aborted; page++) {
      const found = await this.page(name, page);
      if (!found) return;
      for (const { name: tag, digest } of found.tags) this.compare(name, repository, tag, digest);
      const updates = found.tags.map(({ updatedAt }) => updatedAt);
      if (page === 1) repository.newest = Math.max(newest ?? 0, ...updates);
      // The first time there is nothing to go back to: looks have found, or will find, what is older.
      if (newest === undefined || found.isLast || updates.some((at) => at <= newest)) return;
    }
  }

  private compare(name: string, repository: Repository, tag: string, digest: string | null): void {
    const known = digest === null ? undefined : this.with_.digestOf(name, tag);
    // Before its first look a tag is looked at anyhow.
    if (digest === null || known === undefined || known === null) return;
    if (known === digest) repository.told.delete(tag);
    else if (repository.told.get(tag) !== digest) {
      repository.told.set(tag, digest);
      this.with_.differs(name, tag);
    }
  }

  /** A page, when the budget allows it; undefined when it cannot be read. */
  private async page(name: string, page: number): Promise<HubPage | undefined> {
    const { read, clock, logger } = this.with_;
    const { budget, stopping } = this;
    await sleep(clock, Math.max(0, budget.nextAt() - this.now()), stopping.signal);
    if (stopping.signal.aborted) return undefined;
    budget.begin(this.now());
    this.requests += 1;
    try {
      const found = await read(name, page, stopping.signal);
      budget.end({ kind: 'Answered' }, this.now());
      return found;
    } catch (error) {
      if (stopping.signal.aborted) return undefined;
      const { message } = error as Error;
      const limited = error instanceof HubError ? error.limited : undefined;
      budget.end(limited ? { kind: 'Limited', ...limited, message } : { kind: 'Failed', message }, this.now());
      logger.warn(
        { repository: name, error: message },
        'the list of tags at Docker Hub could not be read; looks go on',
      );
      return undefined;
    }
  }

  private now(): number {
    return this.with_.clock.now().getTime();
  }
}

/** Repositories at Docker Hub that are followed there by a budget: who says when, or where, wants nothing asked elsewhere. */
export function* hubRepositories(
  watchList: Pick<WatchList, 'tagsByRepository'>,
  registries: Pick<RegistryDirectory, 'definitionOf' | 'mirrored'>,
): Generator<readonly [repository: string, tags: number]> {
  const definition = registries.definitionOf(hubHost);
  if (definition?.endpoint || pollSettingsOf(hubHost, definition).pacing.kind !== 'Budget') return;
  for (const [name, tags] of watchList.tagsByRepository()) {
    if (!name.startsWith(`${hubHost}/`)) continue;
    const repository = name.slice(hubHost.length + 1);
    if (!registries.mirrored({ registry: hubHost, repository })) yield [repository, tags];
  }
}
