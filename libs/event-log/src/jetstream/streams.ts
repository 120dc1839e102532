import type { StreamConfig } from '@nats-io/jetstream';
import { buckets, eventSubjects, streams } from '#libs/contracts';

/** How much each stream may keep, in bytes, and for how long. A full event log refuses appends, never drops facts. */
export interface Limits {
  /** Copies of everything: 1 alone, 3 in a cluster (5 for two failures; even numbers gain nothing). */
  readonly replicas: number;
  readonly eventsMaxBytes: number;
  readonly dispatchMaxBytes: number;
  readonly logsMaxBytes: number;
  readonly logsMaxAgeMs: number;
  readonly deadMaxBytes: number;
  readonly deadMaxAgeMs: number;
  readonly blobsMaxBytes: number;
  readonly kvMaxBytes: number;
}

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;
const days = (n: number): number => n * 86_400_000;

/** For one machine; together below 40 GiB. */
export const defaultLimits: Limits = {
  replicas: 1,
  eventsMaxBytes: 16 * GiB,
  dispatchMaxBytes: 256 * MiB,
  logsMaxBytes: 8 * GiB,
  logsMaxAgeMs: days(30),
  deadMaxBytes: 256 * MiB,
  deadMaxAgeMs: days(30),
  blobsMaxBytes: 4 * GiB,
  kvMaxBytes: 64 * MiB,
};

/** Pattern of the subjects that hold dispatched work; one consumer per pool filters it. */
export const dispatchSubjects = 'plinth.dispatch.>';
export const logSubjects = 'plinth.logs.>';
/** Dead letters that Plinth itself writes, beside the server's advisories. */
export const deadSubjects = 'plinth.dead.>';
export const advisorySubjects = [
  '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>',
  '$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>',
];

const nanos = (ms: number): number => ms * 1_000_000;

export type StreamPlan = Partial<StreamConfig> & { name: string };

/** The streams as they have to be. `deny_purge` is never set: it could never be taken back, and books are closed. */
export const streamPlans = (limits: Limits): readonly StreamPlan[] => {
  const common = { storage: 'file', num_replicas: limits.replicas, allow_direct: true } as const;
  return [
    {
      ...common,
      name: streams.events,
      description: 'The facts: one subject per aggregate',
      subjects: [eventSubjects],
      retention: 'limits',
      discard: 'new',
      max_bytes: limits.eventsMaxBytes,
      deny_delete: true,
      duplicate_window: nanos(120_000),
    },
    {
      ...common,
      name: streams.dispatch,
      description: 'Dispatched runs, one subject per pool',
      subjects: [dispatchSubjects],
      retention: 'workqueue',
      discard: 'new',
      max_bytes: limits.dispatchMaxBytes,
      // Shorter than the 30 s after which a run that nobody started is sent again: that one has to arrive.
      duplicate_window: nanos(20_000),
    },
    {
      ...common,
      name: streams.logs,
      description: 'Output of runs, one subject per run',
      subjects: [logSubjects],
      retention: 'limits',
      discard: 'old',
      max_bytes: limits.logsMaxBytes,
      max_age: nanos(limits.logsMaxAgeMs),
      max_msgs_per_subject: 100_000,
      duplicate_window: nanos(120_000),
    },
    {
      ...common,
      name: streams.dead,
      description: 'What could not be processed, and the advisories of the server about it',
      subjects: [deadSubjects, ...advisorySubjects],
      retention: 'limits',
      discard: 'old',
      max_bytes: limits.deadMaxBytes,
      max_age: nanos(limits.deadMaxAgeMs),
    },
  ];
};

/** One setting of a stream that is not what it has to be. */
export interface Difference {
  readonly stream: string;
  readonly setting: string;
  readonly is: unknown;
  readonly shouldBe: unknown;
}

/** Compares only what the plan says: a server adds settings of its own. */
export const differences = (plan: StreamPlan, actual: Partial<StreamConfig>): Difference[] => {
  const found: Difference[] = [];
  for (const [setting, shouldBe] of Object.entries(plan)) {
    if (setting === 'description') continue;
    const is = actual[setting as keyof StreamConfig];
    if (JSON.stringify(is) !== JSON.stringify(shouldBe)) found.push({ stream: plan.name, setting, is, shouldBe });
  }
  if (plan.deny_delete && actual.deny_purge) {
    found.push({ stream: plan.name, setting: 'deny_purge', is: true, shouldBe: false });
  }
  return found;
};

export const describeDifference = ({ stream, setting, is, shouldBe }: Difference): string =>
  `${stream}: ${setting} is ${JSON.stringify(is)}, it should be ${JSON.stringify(shouldBe)}`;

export interface KvPlan {
  readonly name: string;
  /** How long a value lives when it is not written again; 0 for ever. */
  readonly ttlMs: number;
  readonly history: number;
}

export const kvPlans: readonly KvPlan[] = [
  // One value of each key: what was sealed with a key that is taken out of use must not stay.
  { name: buckets.secrets, ttlMs: 0, history: 1 },
  { name: buckets.tokens, ttlMs: 0, history: 1 },
  { name: buckets.leases, ttlMs: 15_000, history: 1 },
  { name: buckets.webhooks, ttlMs: 0, history: 1 },
];

export const blobBuckets: readonly string[] = [buckets.contexts, buckets.snapshots];
