import { join } from 'node:path';
import type { EventData, SeenBy } from '#libs/contracts';
import { AggregateStore, sleep } from '#libs/event-log';
import { parseReference } from '#libs/oci';
import { RegistryDirectory } from '#libs/registries';
import { ServiceLog, type Runtime } from '#libs/runtime';
import { checkRegistries } from './registries/check-registries.js';
import { LookMemory } from './looking/look-memory.js';
import { Looker, repeatAfterSeconds } from './looking/looker.js';
import { UpstreamWatch } from './mirrors/upstream-watch.js';
import { checkHeld } from './policy/check-held.js';
import { heldMetrics } from './policy/metrics.js';
import { policyDecider } from './policy/policy.decider.js';
import { Policies } from './policy/policy.js';
import { Reconsidering } from './policy/reconsidering.js';
import { checkHub, checkPolling } from './polling/check-polling.js';
import { hubPages } from './polling/hub-page.js';
import { hubHost, hubRepositories, HubTags } from './polling/hub-tags.js';
import { hubMetrics, pollingMetrics, type WatchMetrics } from './polling/metrics.js';
import type { TagFacts } from './polling/plan.js';
import { Poller } from './polling/poller.js';
import { pollSettingsOf } from './polling/settings.js';
import { registryDecider } from './registries/registry.decider.js';
import { tagDecider } from './tags/tag.decider.js';
import { WatchListProjection } from './watchlist/watch-list-projection.js';
import { Watching } from './watchlist/watching.js';

/**
 * CNCF Distribution tells of a push before it moves the tag: the first look may come too early by a moment. So the look
 * is repeated for two thirds of a second, each time after a quarter of what has passed, at least ten milliseconds: what
 * is found is never seen later than by a quarter of its own delay.
 */
const soonAgainSeconds = ((): number[] => {
  const waits: number[] = [];
  for (let passed = 0; passed < 0.66; passed += waits.at(-1)!) waits.push(Math.max(0.01, passed / 4));
  return waits;
})();

/** Registry watching: owns registries and tags, decides when to look at which tag, and whether a digest is adopted. */
export class WatcherService {
  /** Few in memory: a look reads one row, and then waits for a registry. */
  readonly tags = new AggregateStore(tagDecider, { version: 2, cache: 4_000 });
  readonly registryStates = new AggregateStore(registryDecider);
  readonly policyStates = new AggregateStore(policyDecider);
  readonly watchList = new WatchListProjection();
  readonly registries: RegistryDirectory;
  readonly log: ServiceLog;
  readonly looker: Looker;
  readonly policies: Policies;
  readonly reconsidering: Reconsidering;
  readonly notifiedAt = new Map<string, string>();
  readonly upstream: UpstreamWatch;
  readonly poller: Poller;
  readonly hub: HubTags | null;
  private readonly looks: LookMemory;
  private readonly meter: WatchMetrics;
  private readonly watching: Watching;
  /** Called with the host of a registry whose settings changed. */
  private readonly followers = new Set<(host: string) => void>();
  /** References that are followed after a notification. */
  private readonly hinted = new Set<string>();
  private readonly stopping = new AbortController();

  constructor(readonly runtime: Runtime) {
    const { jet, clock, logger, health, secrets, config, onFailure } = runtime;
    this.registries = new RegistryDirectory({
      secrets,
      onChange: (host) => this.registryChanged(host),
      onRequest: ({ registry, method, ms, rateLimit }) => {
        this.poller.requested(registry, { method, ms, quota: rateLimit });
        this.meter.requested(method);
      },
    });
    this.looks = new LookMemory(clock);
    const { tags, registryStates, policyStates, watchList, registries } = this;
    this.log = new ServiceLog({
      name: 'watcher',
      jet,
      dataDir: join(config.PLINTH_DATA, 'watcher'),
      projections: [tags, registryStates, policyStates, watchList, registries, this.looks],
      clock,
      logger,
      health,
      onFailure,
    });
    checkRegistries(runtime.diagnostics, this);
    const { commands } = this.log;
    const { list } = watchList;
    const preset = config.PLINTH_POLICY;
    const policies = new Policies({ states: policyStates, tags, watchList: list, clock, preset });
    this.policies = policies;
    this.reconsidering = new Reconsidering({ tags, policies, registries, commands, clock, logger });
    heldMetrics(runtime.metrics.registry, { tags, policies, clock, waiting: () => this.reconsidering.waiting });
    checkHeld(runtime.diagnostics, { tags, policies, clock });
    this.looker = new Looker({
      registries,
      tags,
      commands,
      policy: policies,
      watchList: list,
      onLook: (reference, seenBy, at) => this.looked(reference, seenBy, at),
      clock,
      logger,
    });
    const { looker } = this;
    this.poller = new Poller({
      looker,
      hostOf: (reference) => this.hostOf(reference),
      settingsOf: (host) => pollSettingsOf(host, registries.definitionOf(host)),
      factsOf: (reference) => this.factsOf(reference),
      clock,
      logger,
    });
    this.meter = pollingMetrics(runtime.metrics.registry, this.poller);
    checkPolling(runtime.diagnostics, this.poller);
    this.upstream = new UpstreamWatch({
      registries,
      references: () => list.references(),
      digestOf: (reference) => tags.get(reference).state.current?.digest ?? null,
      clock,
      logger,
    });
    const api = config.PLINTH_DOCKER_HUB_API;
    this.hub = api === 'off' ? null : this.hubTags(api);
    if (this.hub) {
      hubMetrics(runtime.metrics.registry, this.hub);
      checkHub(runtime.diagnostics, this.hub);
    }
    this.watching = new Watching({
      watchList: list,
      looker,
      tags,
      commands,
      clock,
      logger,
      changed: (reference, watched) => this.changed(reference, watched),
    });
  }

  onRegistryChange(follower: (host: string) => void): void {
    this.followers.add(follower);
  }

  private registryChanged(host: string): void {
    this.poller.reschedule(host);
    for (const follower of this.followers) follower(host);
  }

  async start(): Promise<void> {
    const { log, watching, poller, tags, reconsidering } = this;
    await log.start();
    // A replay needs the pages that it has just written; from now on it is a row at a time.
    log.projector.db.pragma('cache_size = -4096');
    log.projector.db.pragma('shrink_memory');
    for (const [reference, { state }] of tags.all({ live: true })) if (state.watched) poller.add(reference);
    poller.start();
    this.upstream.start();
    this.hub?.start();
    watching.attendAll();
    reconsidering.attendAll();
    log.projector.onBatch((events, caughtUp) => {
      for (const event of events) if (event.type === 'tag.moved') this.moved(event.data);
      reconsidering.attendEvents(events, caughtUp);
      if (caughtUp) watching.attendTouched();
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.poller.stop();
    this.upstream.stop();
    await this.hub?.stop();
    this.watching.stop();
    this.reconsidering.stop();
    this.looks.stop();
    await this.log.stop();
    await this.registries.close();
  }

  /**
   * A notification says that a tag may have moved. It only causes a look; while the look still shows what was known,
   * and the notification said something else or nothing, it is repeated: registries lag behind their own pushes.
   */
  async hint(reference: string, digest: string | undefined, hintedAt: string): Promise<void> {
    const { tags, looker, policies } = this;
    for (const range of policies.rangesWith(reference)) void this.hint(range, undefined, hintedAt);
    const before = tags.get(reference).state.current?.digest ?? null;
    if (digest !== undefined && digest === before) return;
    if (this.hinted.has(reference)) {
      // Somebody is following this reference already: one look more is all that this message adds.
      await looker.look(reference, { seenBy: 'Webhook', hintedAt }).catch(() => undefined);
      return;
    }
    this.hinted.add(reference);
    try {
      await this.follow(reference, before, digest, hintedAt);
    } finally {
      this.hinted.delete(reference);
    }
  }

  /** Whether the registry that is asked about it tells of pushes. */
  isNotified(reference: string): boolean {
    return this.registries.definitionOf(this.hostOf(reference))?.notifications !== undefined;
  }

  /** The registry that is asked about a reference: the mirror where it is followed, or its own. */
  private hostOf(reference: string): string {
    const parsed = parseReference(reference);
    return (this.registries.mirrored(parsed) ?? parsed).registry;
  }

  private hubTags(api: string): HubTags {
    const { tags, watchList, registries, poller, runtime } = this;
    const referenceOf = (repository: string, tag: string): string => `${hubHost}/${repository}:${tag}`;
    return new HubTags({
      read: hubPages(api),
      repositories: () => hubRepositories(watchList.list, registries),
      digestOf: (repository, tag) => {
        const reference = referenceOf(repository, tag);
        if (watchList.list.trackersOf(reference) === 0) return undefined;
        return tags.get(reference).state.current?.digest ?? null;
      },
      differs: (repository, tag) => poller.urge(referenceOf(repository, tag)),
      clock: runtime.clock,
      logger: runtime.logger,
    });
  }

  private factsOf(reference: string): TagFacts {
    const { registry, repository } = parseReference(reference);
    const { watchedSince, history } = this.tags.get(reference).state;
    const record = this.looker.record(reference);
    record.lastLookAt ??= this.looks.take(reference);
    return {
      repository: `${registry}/${repository}`,
      dependants: this.watchList.list.trackersOf(reference),
      since: watchedSince === null ? this.runtime.clock.now().getTime() : Date.parse(watchedSince),
      // The oldest is what was there when watching began.
      moves: history.slice(0, -1).map(({ at }) => Date.parse(at)),
      lastLookAt: record.lastLookAt,
    };
  }

  private changed(reference: string, watched: boolean): void {
    const { poller, looker, looks } = this;
    if (watched) {
      poller.add(reference);
      poller.weigh(reference);
      return;
    }
    poller.remove(reference);
    looker.records.delete(reference);
    looks.forget(reference);
  }

  private looked(reference: string, seenBy: SeenBy, at: number): void {
    this.looks.looked(reference, at);
    this.meter.looked(seenBy);
    if (seenBy !== 'Poll') this.poller.looked(reference);
  }

  /** What we pushed ourselves says nothing of other tags. */
  private moved({ reference, from, seenBy }: EventData<'tag.moved'>): void {
    if (from !== null && seenBy !== 'Push') this.poller.moved(reference);
  }

  private async follow(
    reference: string,
    before: string | null,
    digest: string | undefined,
    hintedAt: string,
  ): Promise<void> {
    const { tags, looker, runtime } = this;
    for (const seconds of [0, ...soonAgainSeconds, ...repeatAfterSeconds]) {
      await sleep(runtime.clock, seconds * 1000, this.stopping.signal);
      if (this.stopping.signal.aborted) return;
      try {
        // Distribution answers 500 while it writes the tag.
        await looker.look(reference, { seenBy: 'Webhook', hintedAt, repeats: true });
      } catch (error) {
        runtime.logger.warn({ reference, error: String(error) }, 'cannot look after a notification; trying again');
        continue;
      }
      const now = tags.get(reference).state.current?.digest ?? null;
      if (now !== before || digest === now) return;
    }
  }
}
