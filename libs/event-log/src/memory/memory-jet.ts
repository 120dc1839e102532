import { systemClock, type Clock } from '../clock.js';
import type { JetStatus, JetSurface } from '../jetstream/jet.js';
import { kvPlans } from '../jetstream/streams.js';
import type { BlobStore } from '../ports/blobs.js';
import { ContentStore } from '../ports/content-store.js';
import type { KvBucket } from '../ports/kv.js';
import type { ObjectBucket } from '../ports/objects.js';
import { MemoryDeadLetters } from './memory-dead-letters.js';
import { MemoryDispatch } from './memory-dispatch.js';
import { MemoryEventLog } from './memory-event-log.js';
import { MemoryKv } from './memory-kv.js';
import { MemoryObjects } from './memory-objects.js';
import { MemoryRunLogs } from './memory-run-logs.js';

/** All that Plinth keeps in JetStream, in memory: for simulations and unit tests. */
export class MemoryJet implements JetSurface {
  readonly events: MemoryEventLog;
  readonly dispatch: MemoryDispatch;
  readonly dead: MemoryDeadLetters;
  readonly logs = new MemoryRunLogs();
  readonly #clock: Clock;
  readonly #objects = new Map<string, MemoryObjects>();
  readonly #kv = new Map<string, MemoryKv>();
  readonly #listeners = new Set<(status: JetStatus) => void>();
  #status: JetStatus = 'connected';

  constructor(options: { clock?: Clock; name?: string } = {}) {
    this.#clock = options.clock ?? systemClock;
    this.events = new MemoryEventLog({ clock: this.#clock, source: `/plinth/${options.name ?? 'memory'}` });
    this.dead = new MemoryDeadLetters(this.#clock, ({ source, payload }) =>
      this.dispatch.send(source, JSON.parse(payload) as { run: string; attempt: number }, { again: true }),
    );
    this.dispatch = new MemoryDispatch(this.#clock, this.dead);
  }

  provision(): Promise<void> {
    return Promise.resolve();
  }

  check(): Promise<string[]> {
    return Promise.resolve([]);
  }

  objects(bucket: string): ObjectBucket {
    let objects = this.#objects.get(bucket);
    if (!objects) this.#objects.set(bucket, (objects = new MemoryObjects(this.#clock)));
    return objects;
  }

  blobs(bucket: string): BlobStore {
    return new ContentStore(this.objects(bucket));
  }

  kv(bucket: string, options: { ttlMs?: number } = {}): KvBucket {
    let kv = this.#kv.get(bucket);
    const ttlMs = options.ttlMs ?? kvPlans.find((plan) => plan.name === bucket)?.ttlMs ?? 0;
    if (!kv) this.#kv.set(bucket, (kv = new MemoryKv(this.#clock, ttlMs)));
    return kv;
  }

  purge(before: number): Promise<void> {
    return this.events.purge(before);
  }

  status(): JetStatus {
    return this.#status;
  }

  onStatus(listener: (status: JetStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#status = 'closed';
    for (const listener of this.#listeners) listener('closed');
    return Promise.resolve();
  }
}
