import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { startNats, type NatsServer } from './nats.js';

export interface NatsCluster {
  readonly servers: readonly NatsServer[];
  /** All of them: a client goes on with another one when its own is gone. */
  readonly urls: string[];
  stop(): Promise<void>;
}

/** Real nats-servers that are one cluster on 127.0.0.1, with a leader for JetStream when this resolves. */
export const startNatsCluster = async (size = 3): Promise<NatsCluster> => {
  const ports = await Promise.all(Array.from({ length: size }, () => freePort()));
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const servers = await Promise.all(
    ports.map((port, index) =>
      startNats({
        config: `server_name: n${index + 1}\ncluster { name: plinth, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
      }),
    ),
  );
  const urls = servers.map(({ url }) => url);
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    await elected(urls);
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers, urls, stop };
};

/** Tries until the cluster can place a stream on all of its servers: before, requests are refused or not answered. */
const elected = async (urls: string[]): Promise<void> => {
  const connection = await connect({ servers: urls });
  try {
    for (let tries = 0; ; tries++) {
      try {
        const jsm = await jetstreamManager(connection, { timeout: 1000 });
        await jsm.streams.add({ name: 'ready', subjects: ['ready'], num_replicas: urls.length });
        await jsm.streams.delete('ready');
        return;
      } catch (error) {
        if (tries === 100) throw error;
        await delay(50);
      }
    }
  } finally {
    await connection.close();
  }
};
