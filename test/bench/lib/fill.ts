import { setTimeout as delay } from 'node:timers/promises';
import { headers } from '@nats-io/transport-node';
import { eventSubject } from '#libs/contracts';
import { Jet } from '#libs/event-log';
import { startNats, type NatsServer } from '#libs/testing';
import { encodeEvent } from '../../../libs/event-log/src/wire/codec.js';
import type { HistoryEvent } from '../history/history.js';

const perBatch = 500;

/**
 * A nats-server that does not wait for the disk, to fill a store fast. Its configuration comes after the other one and
 * replaces it; what is measured runs on a server that is started anew on the same store, with the usual settings.
 */
export const startFillServer = (storeDir: string): Promise<NatsServer> =>
  startNats({
    storeDir,
    config: `jetstream { store_dir: ${JSON.stringify(storeDir)}, max_file_store: 64GB, max_memory_store: 512MB, sync_interval: "2m" }`,
  });

/**
 * Fills the log with a history by plain publishes; the last of each batch is acknowledged and expects the one before
 * it, so that nothing is missing and every event is at the position that the history says.
 */
export const fillLog = async (url: string, history: Iterable<HistoryEvent>): Promise<number> => {
  const jet = await Jet.connect({ servers: url, name: 'bench' });
  try {
    await jet.provision();
    const now = new Date();
    let position = 0;
    for (const { aggregate, event } of history) {
      const encoded = encodeEvent(aggregate, event, '/plinth/bench', now);
      const own = headers();
      for (const [name, value] of encoded.headers) own.set(name, value);
      const subject = eventSubject(aggregate.kind, aggregate.id);
      const before = position++;
      if (position % perBatch !== 0) jet.connection.publish(subject, encoded.body, { headers: own });
      else await jet.js.publish(subject, encoded.body, { headers: own, expect: { lastSequence: before } });
    }
    await jet.connection.flush();
    // The server has everything of the last batch, and may still be storing it.
    for (let last = -1, now = 0; last !== now; last = now) {
      ({ last: now } = await jet.events.range());
      if (now === position) return position;
      await delay(200);
    }
    const { last } = await jet.events.range();
    throw new Error(`The log holds ${last} events instead of ${position}.`);
  } finally {
    await jet.close();
  }
};
