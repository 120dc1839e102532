import { afterAll, beforeAll } from 'vitest';
import { startNats, type NatsServer } from '#libs/testing';
import { jetConformance } from '../conformance/jet.js';
import { Jet } from './jet.js';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());

jetConformance('Jet', async () => {
  const jet = await Jet.connect({ servers: nats.url, name: 'conformance' });
  await jet.provision();
  return jet;
});
