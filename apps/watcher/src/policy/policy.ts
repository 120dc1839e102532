import type { PolicyDefinition, PolicyPreset, Snapshot } from '#libs/contracts';
import type { AggregateStore, Clock } from '#libs/event-log';
import { parseReference } from '#libs/oci';
import { policyFor } from '#libs/domain';
import type { Candidate, TagState } from '../tags/tag-state.js';
import type { WatchList } from '../watchlist/watch-list.js';
import { manyTagsWithinMs } from './anomalies/anomaly.js';
import { anomaliesOf } from './anomalies/index.js';
import type { PolicyState } from './policy.decider.js';
import { changesOf } from './rules/changes.js';
import { settingsOf, type PolicySettings } from './settings.js';
import { judge, type Verdict } from './verdict.js';
import { fitsRange, versionRange, type VersionRange } from './version-range.js';

/** Decides whether a digest that was found may be used by dependants. */
export interface AdoptionPolicy {
  /** @param pushed whether a run of ours pushed it */
  decide(reference: string, tag: TagState, found: Snapshot, pushed: boolean): Verdict;
  /** The versions that a reference stands for; undefined where it is a tag like any other. */
  rangeOf(reference: string): VersionRange | undefined;
}

export interface PoliciesDependencies {
  readonly states: { all(options: { live: boolean }): Iterable<readonly [string, { readonly state: PolicyState }]> };
  readonly tags: Pick<AggregateStore<TagState>, 'get'>;
  readonly watchList: Pick<WatchList, 'platformsOf' | 'sistersOf' | 'pushesTo'>;
  readonly clock: Clock;
  /** What decides where no policy fits. */
  readonly preset: PolicyPreset;
}

/** Gathers what the rules ask about: the policy that fits, what dependants build, and how late it is. */
export class Policies implements AdoptionPolicy {
  private definitions: readonly PolicyDefinition[] | undefined;

  constructor(private readonly with_: PoliciesDependencies) {}

  get preset(): PolicyPreset {
    return this.with_.preset;
  }

  all(): readonly PolicyDefinition[] {
    this.definitions ??= [...this.with_.states.all({ live: true })].flatMap(([, { state }]) => state.definition ?? []);
    return this.definitions;
  }

  /** A policy was written: they are read anew. */
  changed(): void {
    this.definitions = undefined;
  }

  settings(reference: string): PolicySettings {
    const own = this.with_.watchList.pushesTo(parseReference(reference).registry);
    return settingsOf(policyFor(this.all(), reference), this.preset, own);
  }

  rangeOf(reference: string): VersionRange | undefined {
    const range = versionRange(parseReference(reference).tag ?? '');
    return range && this.settings(reference).followVersions ? range : undefined;
  }

  /** Watched ranges that a tag is a version of: what a notification about it is about, too. */
  rangesWith(reference: string): string[] {
    const { tag } = parseReference(reference);
    return [...this.with_.watchList.sistersOf(reference)].filter((sister) => {
      const range = sister === reference ? undefined : this.rangeOf(sister);
      return range !== undefined && tag !== undefined && fitsRange(range, tag);
    });
  }

  /** Platforms that dependants build, the adopted digest has, and what the tag names now has not. */
  missingPlatforms({ reference, ...tag }: TagState): readonly string[] {
    if (!tag.current) return [];
    const wanted = this.with_.watchList.platformsOf(reference);
    return changesOf({ tag: { reference, ...tag }, found: tag.current, wanted }).missing;
  }

  decide(reference: string, tag: TagState, found: Snapshot, pushed: boolean): Verdict {
    const known = tag.candidates.find(({ snapshot }) => snapshot.digest === found.digest);
    const now = this.with_.clock.now().getTime();
    const wanted = this.with_.watchList.platformsOf(reference);
    const anomalies =
      known?.anomalies ??
      (pushed ? [] : anomaliesOf({ tag, found, wanted, movedTogether: this.movedTogether(reference, now) }));
    const since = known ? Date.parse(known.since) : now;
    return this.judged(reference, tag, { snapshot: found, since, replacedAt: null, anomalies, pushed }, now, wanted);
  }

  /** The same about one that waits already. What looked odd when it was seen still does. */
  reconsider = (tag: TagState, candidate: Candidate): Verdict => {
    const { reference } = tag;
    const { snapshot, anomalies, replacedAt: replaced } = candidate;
    const since = Date.parse(candidate.since);
    const replacedAt = replaced === null ? null : Date.parse(replaced);
    const pushed = candidate.seenBy === 'Push';
    const now = this.with_.clock.now().getTime();
    const wanted = this.with_.watchList.platformsOf(reference);
    return this.judged(reference, tag, { snapshot, since, replacedAt, anomalies, pushed }, now, wanted);
  };

  private judged(
    reference: string,
    tag: TagState,
    {
      snapshot: found,
      ...one
    }: Omit<Candidate, 'since' | 'replacedAt' | 'seenBy' | 'hintedAt' | 'held'> & {
      readonly since: number;
      readonly replacedAt: number | null;
      readonly pushed: boolean;
    },
    now: number,
    wanted: readonly string[],
  ): Verdict {
    return judge({ reference, tag, found, ...one, now, wanted, settings: this.settings(reference) });
  }

  /** Watched tags of the repository that moved lately; the one that is looked at now counts. */
  private movedTogether(reference: string, now: number): number {
    let count = 1;
    for (const sister of this.with_.watchList.sistersOf(reference)) {
      if (sister === reference) continue;
      const { history } = this.with_.tags.get(sister).state;
      // The first digest of a tag is where watching began, not a move.
      if (history.length > 1 && now - Date.parse(history[0]!.at) <= manyTagsWithinMs) count += 1;
    }
    return count;
  }
}
