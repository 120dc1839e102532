import { sleep, type AggregateStore, type Clock, type Commands, type Logger } from '#libs/event-log';
import { repeatAfterSeconds, StaleLookError, type Looker } from '../looking/looker.js';
import { tagDecider, type TagState } from '../tags/tag.decider.js';
import type { Obligation, WatchList } from './watch-list.js';

export interface WatchingDependencies {
  readonly watchList: WatchList;
  readonly looker: Looker;
  readonly tags: AggregateStore<TagState>;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told when a reference begins or ends to be watched, or others track it; the poller listens. */
  readonly changed: (reference: string, watched: boolean) => void;
}

/** Milliseconds before something that failed (registry or log) is tried again: 1 s doubling to 1 min. */
const retryDelay = (tries: number) => Math.min(60_000, 1000 * 2 ** tries);

/**
 * Brings what is watched in line with what tasks track, and answers every output that somebody tracks, exactly once.
 * All it does follows from the watch list, so whatever is lost in a crash is done after the restart.
 */
export class Watching {
  private readonly busy = new Map<string, boolean>();
  private readonly stopping = new AbortController();

  constructor(private readonly with_: WatchingDependencies) {}

  /** Called after each batch that ends at the head of the log, and once after the start. */
  attendTouched(): void {
    for (const reference of this.with_.watchList.takeTouched()) this.attend(reference);
  }

  /** After a restart: every reference of the list, in case what it needs was lost. */
  attendAll(): void {
    const { watchList, tags } = this.with_;
    for (const reference of watchList.references()) this.attend(reference);
    for (const reference of watchList.debts()) this.attend(reference);
    for (const [reference, { state }] of tags.all()) if (state.watched) this.attend(reference);
  }

  stop(): void {
    this.stopping.abort();
  }

  private attend(reference: string): void {
    if (this.busy.has(reference)) {
      this.busy.set(reference, true);
      return;
    }
    this.busy.set(reference, false);
    void this.work(reference);
  }

  private async work(reference: string): Promise<void> {
    const { clock, logger } = this.with_;
    for (let tries = 0; !this.stopping.signal.aborted;) {
      this.busy.set(reference, false);
      try {
        await this.once(reference);
        if (!this.busy.get(reference)) break;
        tries = 0;
      } catch (error) {
        const delay = retryDelay(tries++);
        logger.warn({ reference, error: String(error), delay }, 'cannot look now; trying again');
        await sleep(clock, delay, this.stopping.signal);
      }
    }
    this.busy.delete(reference);
  }

  private async once(reference: string): Promise<void> {
    const { watchList, tags, commands, looker, changed } = this.with_;
    const tracked = watchList.trackersOf(reference) > 0;
    const { watched } = tags.get(reference).state;
    if (tracked && !watched) {
      await commands.execute(tags, tagDecider, reference, { type: 'watch', reference }, {});
      changed(reference, true);
      await looker.look(reference, { seenBy: 'Watch' });
    } else if (tracked && tags.get(reference).state.adopted === null) {
      await looker.look(reference, { seenBy: 'Watch' });
    } else if (!tracked && watched) {
      await commands.execute(tags, tagDecider, reference, { type: 'unwatch', reference }, {});
      changed(reference, false);
    } else if (watched) changed(reference, true);
    for (const obligation of watchList.owedOf(reference)) await this.answer(obligation);
  }

  /** A registry may show the old digest for a moment after a push; the answer waits for it, but not for ever. */
  private async answer({ reference, run, digest }: Obligation): Promise<void> {
    const { looker, clock } = this.with_;
    const delays = [0, ...repeatAfterSeconds];
    for (const [index, seconds] of delays.entries()) {
      await sleep(clock, seconds * 1000, this.stopping.signal);
      // The end of this process is no reason to believe that the registry has caught up.
      if (this.stopping.signal.aborted) return;
      const final = index === delays.length - 1;
      try {
        return await looker.look(reference, { seenBy: 'Push', answers: { run, digest, final } });
      } catch (error) {
        if (!(error instanceof StaleLookError)) throw error;
      }
    }
  }
}
