import { outputDecider, stableOutputs, type OutputState } from '#libs/domain';
import type { AggregateStore, Commands, Logger, RecordedEvent } from '#libs/event-log';
import type { GraphModel } from '../model/graph-model.js';

export interface SharedOutputsDependencies {
  readonly model: GraphModel;
  readonly outputs: AggregateStore<OutputState>;
  readonly commands: Commands;
  readonly logger: Logger;
}

/**
 * Tells of tags that more than one task pushes: the last digest wins, and dependants wait for all of them, which is
 * hardly what anybody meant. Each pair is told of once.
 */
export class SharedOutputs {
  /** Tags of tasks that were defined since this was last reported. */
  private waiting = new Set<string>();

  constructor(private readonly with_: SharedOutputsDependencies) {}

  /** After the start: what was defined while nobody looked. */
  attendAll(): void {
    for (const image of this.with_.model.images.values()) {
      if (image.isShared) this.waiting.add(image.reference);
    }
  }

  attend(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      if (event.type !== 'task.created' && event.type !== 'task.updated') continue;
      for (const reference of stableOutputs(event.data.definition)) this.waiting.add(reference);
    }
  }

  /** At the head of the log; resolves when it is said. What cannot be said now is said with what comes next. */
  async report(): Promise<void> {
    const { model, outputs, commands, logger } = this.with_;
    const waiting = this.waiting;
    this.waiting = new Set();
    for (const reference of waiting) {
      const by = [...(model.images.get(reference)?.producers ?? [])].map(({ name }) => name);
      if (by.length < 2) continue;
      try {
        await commands.execute(outputs, outputDecider, reference, { type: 'pushed', reference, by });
      } catch (error) {
        logger.warn({ reference, error: String(error) }, 'cannot say that tasks push one tag; trying again later');
        this.waiting.add(reference);
      }
    }
  }
}
