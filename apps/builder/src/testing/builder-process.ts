/**
 * A builder as a process of its own, for tests that kill it: real log, queue and registry; the engine is scripted.
 * Its settings come as one JSON argument.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { registryDefinitionSchema } from '#libs/contracts';
import { outputDecider, runDecider } from '#libs/domain';
import { AggregateStore, Commands, Jet, Projector, silentLogger } from '#libs/event-log';
import { RegistryClient } from '#libs/oci';
import { BuilderService } from '../builder.service.js';
import { AdoptedImages } from '../projection/adopted-images.js';
import { Published } from '../projection/published.js';
import { ScriptedEngine } from './scripted-engine.js';

export interface BuilderProcessSettings {
  readonly nats: string;
  /** `127.0.0.1:PORT`, without TLS. */
  readonly registry: string;
  readonly builderId: string;
  readonly dir: string;
  readonly ackWaitMs: number;
}

/** Starts the builder; answers what ends it in good order. */
export const runBuilder = async (settings: BuilderProcessSettings): Promise<() => Promise<void>> => {
  const { nats, registry, builderId, dir, ackWaitMs } = settings;
  const jet = await Jet.connect({ servers: nats, name: builderId });
  const [runs, adopted, published] = [new AggregateStore(runDecider), new AdoptedImages(), new Published()];
  const outputs = new AggregateStore(outputDecider);
  const projector = new Projector({
    log: jet.events,
    file: join(dir, 'builder.sqlite'),
    projections: [runs, outputs, adopted, published],
  });
  await mkdir(dir, { recursive: true });
  await projector.start();
  const client = new RegistryClient({ hosts: [{ registry, scheme: 'http' }] });
  const builder = new BuilderService({
    log: jet.events,
    commands: new Commands({ log: jet.events, projector }),
    runs,
    outputs,
    projector,
    adopted,
    published,
    dispatch: jet.dispatch,
    logs: jet.logs,
    contexts: {
      open: async ({ into }) => {
        await mkdir(into, { recursive: true });
        await writeFile(join(into, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
        return { dir: into, revision: 'c0ffee', close: () => Promise.resolve() };
      },
    },
    registries: {
      client,
      definitionOf: (host) => registryDefinitionSchema.parse({ host, scheme: 'http' }),
      credentialsOf: () => Promise.resolve(undefined),
      mirrored: () => undefined,
    },
    secrets: { open: (ref) => Promise.reject(new Error(`There is no secret ${ref}.`)) },
    redactor: { add: () => undefined, redact: (text) => text },
    engine: new ScriptedEngine(),
    config: {
      builderId,
      pool: 'default',
      slots: 1,
      workDir: join(dir, 'work'),
      ackWaitMs,
      putTimeoutMs: ackWaitMs / 2,
      reconcileMs: 3_600_000,
      network: 'default',
      buildPlatform: 'linux/amd64',
    },
    logger: silentLogger,
    leases: jet.kv('leases'),
  });
  await builder.start();
  return async () => {
    await builder.stop();
    await projector.stop();
    await client.close();
    await jet.close();
  };
};

const [argument] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename && argument !== undefined) {
  await runBuilder(JSON.parse(argument) as BuilderProcessSettings);
}
