import { Counter, type Registry } from 'prom-client';

/** `accepted`, `refused` (not genuine) or `malformed`. */
export type HookOutcome = 'accepted' | 'refused' | 'malformed';

export interface HookMetrics {
  notified(dialect: string, outcome: HookOutcome): void;
}

/** Figures of notifications for Prometheus. Labels are names of dialects and outcomes: never registries or keys. */
export const hookMetrics = (registry: Registry): HookMetrics => {
  const notifications = new Counter({
    name: 'plinth_notifications_total',
    help: 'Notifications of registries, by dialect and how they ended.',
    labelNames: ['dialect', 'outcome'],
    registers: [registry],
  });
  return { notified: (dialect, outcome) => notifications.inc({ dialect, outcome }) };
};
