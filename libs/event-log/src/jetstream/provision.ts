import { JetStreamApiError, type JetStreamClient, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { Objm } from '@nats-io/obj';
import type { NatsConnection } from '@nats-io/transport-node';
import { LogError } from '../errors.js';
import {
  blobBuckets,
  defaultLimits,
  describeDifference,
  differences,
  kvPlans,
  streamPlans,
  type Difference,
  type Limits,
} from './streams.js';

const existing = async (jsm: JetStreamManager, name: string): Promise<StreamConfig | undefined> => {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === 10059) return undefined;
    throw error;
  }
};

/** Settings that a server can change while a stream is in use, and that lose nothing. */
const adjustable = new Set([
  'max_bytes',
  'max_age',
  'num_replicas',
  'max_msgs_per_subject',
  'allow_direct',
  'subjects',
]);

/**
 * Creates what is missing, and raises or lowers limits of what is there. Nothing else is changed on a stream that
 * has data: what differs is said, and a person decides.
 *
 * @throws LogError STREAM_DIFFERS naming each setting, what it is and what it should be
 */
export const provision = async (connection: NatsConnection, jsm: JetStreamManager, limits: Limits): Promise<void> => {
  const wrong: Difference[] = [];
  for (const plan of streamPlans(limits)) {
    const actual = await existing(jsm, plan.name);
    if (!actual) {
      await jsm.streams.add(plan);
      continue;
    }
    const found = differences(plan, actual);
    const fixed = found.filter(({ setting }) => adjustable.has(setting));
    wrong.push(...found.filter(({ setting }) => !adjustable.has(setting)));
    if (fixed.length > 0) {
      await jsm.streams.update(
        plan.name,
        Object.fromEntries(fixed.map(({ setting, shouldBe }) => [setting, shouldBe])) as Partial<StreamConfig>,
      );
    }
  }
  if (wrong.length > 0) throw streamDiffers(wrong);

  const objects = new Objm(connection);
  for (const name of blobBuckets) {
    await objects.create(name, { storage: 'file', replicas: limits.replicas, max_bytes: limits.blobsMaxBytes });
  }
  const kvm = new Kvm(connection);
  for (const { name, ttlMs, history } of kvPlans) {
    await kvm.create(name, {
      storage: 'file',
      replicas: limits.replicas,
      max_bytes: limits.kvMaxBytes,
      history,
      ...(ttlMs > 0 ? { ttl: ttlMs } : {}),
    });
    // A bucket that is there already keeps its history, where values may stand that must not.
    const { max_msgs_per_subject: kept } = (await jsm.streams.info(`KV_${name}`)).config;
    if (kept !== history) await jsm.streams.update(`KV_${name}`, { max_msgs_per_subject: history });
  }
};

export const streamDiffers = (found: readonly Difference[]): LogError =>
  new LogError(
    'STREAM_DIFFERS',
    `The streams are not as Plinth needs them: ${found.map(describeDifference).join('; ')}. ` +
      'Correct them (nats stream edit), or move the data to a new stream.',
  );

/** What is missing or different, in words; empty when all is well. Changes nothing. */
export const check = async (jsm: JetStreamManager, limits: Limits): Promise<string[]> => {
  const problems: string[] = [];
  for (const plan of streamPlans(limits)) {
    const actual = await existing(jsm, plan.name);
    if (!actual) problems.push(`${plan.name}: there is no such stream; create it with: plinth provision`);
    else problems.push(...differences(plan, actual).map(describeDifference));
  }
  for (const name of [...blobBuckets.map((b) => `OBJ_${b}`), ...kvPlans.map((b) => `KV_${b.name}`)]) {
    if (!(await existing(jsm, name)))
      problems.push(`${name}: there is no such bucket; create it with: plinth provision`);
  }
  return problems;
};

/** A bucket that is not among Plinth's own: made where it is first used. */
export const createKv = async (js: JetStreamClient, bucket: string, ttlMs: number): Promise<void> => {
  const max_bytes = defaultLimits.kvMaxBytes;
  await new Kvm(js).create(bucket, { storage: 'file', history: 1, max_bytes, ...(ttlMs > 0 ? { ttl: ttlMs } : {}) });
};
