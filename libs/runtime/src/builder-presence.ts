import { z } from 'zod';
import type { Clock, KvBucket } from '#libs/event-log';

const announcement = z.object({ pool: z.string(), slots: z.number().int().min(0) });

/** What a builder says of itself; undefined for anything else that stands in the bucket. */
const announcementOf = (value: Uint8Array): z.infer<typeof announcement> | undefined => {
  try {
    return announcement.parse(JSON.parse(Buffer.from(value).toString('utf8')));
  } catch {
    return undefined; // of another version, or not ours: it has no slots for us
  }
};

interface Builder extends z.infer<typeof announcement> {
  readonly seenAt: number;
}

/** A builder speaks every 5 s. An entry that expires says nothing, so silence is counted here. */
const silenceMs = 20_000;

/** Which builders are there, and how many slots they have: they say so in the bucket `leases`. */
export class BuilderPresence {
  private readonly builders = new Map<string, Builder>();

  constructor(
    private readonly leases: KvBucket,
    private readonly clock: Clock,
  ) {}

  /** Resolves when all that are there now are known. `changed` is called for each of them, and whenever one speaks. */
  async watch(signal: AbortSignal, changed: () => void = () => undefined): Promise<void> {
    await this.leases.watch((entry) => {
      if (!entry.key.startsWith('builder.')) return;
      const said = entry.value && announcementOf(entry.value);
      if (said) this.builders.set(entry.key, { ...said, seenAt: this.clock.now().getTime() });
      else this.builders.delete(entry.key);
      changed();
    }, signal);
  }

  /** Slots of the builders that are alive, by pool. */
  slots(): Map<string, number> {
    const slots = new Map<string, number>();
    const oldest = this.clock.now().getTime() - silenceMs;
    for (const [key, builder] of this.builders) {
      if (builder.seenAt < oldest) this.builders.delete(key);
      else slots.set(builder.pool, (slots.get(builder.pool) ?? 0) + builder.slots);
    }
    return slots;
  }
}
