import type { AggregateStore, Commands, KvBucket } from '#libs/event-log';
import { Mutex } from '#libs/event-log';
import { Lease } from './lease.js';
import { webhookDecider, type WebhookState } from './webhook.decider.js';
import { WebhookWorker, type WorkerPorts } from './worker.js';

export interface DeliveriesOptions extends Omit<WorkerPorts, 'disable'> {
  readonly webhooks: AggregateStore<WebhookState>;
  readonly commands: Commands;
  readonly leases: KvBucket;
  /** Name of this process, the same after a restart. */
  readonly holder: string;
}

/** A worker for each webhook that is enabled, in one of the processes. */
export class Deliveries {
  private readonly workers = new Map<string, { readonly worker: WebhookWorker; readonly sequence: number }>();
  private readonly mutex = new Mutex();
  private readonly lease: Lease;
  private stopped = false;

  constructor(private readonly options: DeliveriesOptions) {
    const { leases: bucket, holder, clock, logger } = options;
    const onChange = (): void => this.attendAll();
    this.lease = new Lease({ bucket, key: 'webhooks', holder, clock, logger, onChange });
  }

  start(): Promise<void> {
    return this.lease.start();
  }

  /** Webhooks that something happened to. */
  attend(names: Iterable<string>): void {
    for (const name of new Set(names)) void this.mutex.run(name, () => this.one(name));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.attend(this.workers.keys());
    await Promise.all([...this.workers.keys()].map((name) => this.mutex.run(name, () => Promise.resolve())));
    await this.lease.stop();
  }

  private attendAll(): void {
    const known = [...this.options.webhooks.all({ live: true })].map(([name]) => name);
    this.attend([...known, ...this.workers.keys()]);
  }

  private async one(name: string): Promise<void> {
    const { webhooks, progress, logger } = this.options;
    const { state, sequence } = webhooks.get(name);
    const isWanted = this.lease.held && !this.stopped && state.definition?.status === 'Enabled';
    const current = this.workers.get(name);
    if (current && (!isWanted || current.sequence !== sequence)) {
      // A try in flight counts, unless nobody wants to know any more.
      await current.worker.stop({ abandon: !isWanted });
      this.workers.delete(name);
    }
    if (isWanted && !this.workers.has(name)) {
      const worker = new WebhookWorker(name, state, { ...this.options, disable: (data) => this.disable(data) });
      this.workers.set(name, { worker, sequence });
      worker.start();
    }
    if (state.definition === null && this.lease.held) {
      await progress.delete(name).catch((error: unknown) => {
        logger.warn({ webhook: name, err: error }, 'The progress of a deleted webhook could not be removed.');
      });
    }
  }

  private async disable(data: Parameters<WorkerPorts['disable']>[0]): Promise<void> {
    const { webhooks, commands } = this.options;
    await commands.execute(webhooks, webhookDecider, data.webhook, { type: 'disable', ...data });
  }
}
