import { Counter, Histogram, type Registry } from 'prom-client';
import type { BuilderMetrics } from './ports.js';

/** The builder's figures for Prometheus. Labels are few and known: never tasks, runs or images. */
export const builderMetrics = (registry: Registry): BuilderMetrics => {
  const attempts = new Histogram({
    name: 'plinth_build_attempt_duration_seconds',
    help: 'Time of an attempt from its start to its outcome, by outcome and by how the image was come by.',
    labelNames: ['outcome', 'strategy'],
    buckets: [0.1, 1, 5, 15, 60, 300, 900, 3600],
    registers: [registry],
  });
  const repaired = new Counter({
    name: 'plinth_drift_repaired_total',
    help: 'Tags that had gone back to an earlier run of their task and were moved forward again.',
    registers: [registry],
  });
  const unknown = new Counter({
    name: 'plinth_drift_unknown_total',
    help: 'Tags found at an image that no run of their task made; they are left as they are.',
    registers: [registry],
  });
  return {
    attemptEnded: (outcome, strategy, seconds) => attempts.observe({ outcome, strategy }, seconds),
    driftRepaired: () => repaired.inc(),
    driftUnknown: () => unknown.inc(),
  };
};
