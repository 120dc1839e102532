import { Counter, type Registry } from 'prom-client';

export interface SchedulerMetrics {
  /** A try to deliver something to a webhook has ended. */
  webhookTried(ok: boolean): void;
}

/** The scheduler's figures for Prometheus. Labels are few and known: never tasks, runs or webhooks. */
export const schedulerMetrics = (registry: Registry): SchedulerMetrics => {
  const tries = new Counter({
    name: 'plinth_webhook_tries_total',
    help: 'Tries to deliver an event to a webhook, by how they ended.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  return { webhookTried: (ok) => tries.inc({ outcome: ok ? 'delivered' : 'failed' }) };
};
