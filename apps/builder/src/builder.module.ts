import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { outputDecider, runDecider } from '#libs/domain';
import { AggregateStore } from '#libs/event-log';
import { RegistryDirectory } from '#libs/registries';
import { Runtime, ServiceLog } from '#libs/runtime';
import { loadConfig } from '#libs/service';
import { BuilderService } from './builder.service.js';
import { builderMetrics } from './metrics.js';
import { checkBuilder } from './check-builder.js';
import { chooseEngine } from './choose-engine.js';
import { builderConfigSchema } from './config.js';
import { contextsFrom } from './contexts.js';
import { AdoptedImages } from './projection/adopted-images.js';
import { Published } from './projection/published.js';

/** Longest that the moving of one tag may take, in milliseconds. */
const putTimeoutMs = 10_000;

/** Build execution, as a part of an application. It answers no operation: it takes its work from the log. */
class Builder {
  readonly log: ServiceLog;
  private readonly registries: RegistryDirectory;
  private readonly service: BuilderService;

  constructor(runtime: Runtime) {
    const { jet, clock, logger, health, secrets, redactor, config, onFailure } = runtime;
    const environment = loadConfig(process.env, builderConfigSchema);
    const dataDir = join(config.PLINTH_DATA, 'builder');
    const runs = new AggregateStore(runDecider);
    const outputs = new AggregateStore(outputDecider);
    const adopted = new AdoptedImages();
    const published = new Published();
    this.registries = new RegistryDirectory({ secrets });
    this.log = new ServiceLog({
      name: 'builder',
      jet,
      dataDir,
      projections: [runs, outputs, adopted, published, this.registries],
      clock,
      logger,
      health,
      onFailure,
    });
    const ackWaitMs = environment.PLINTH_ACK_WAIT * 1000;
    this.service = new BuilderService({
      log: jet.events,
      commands: this.log.commands,
      runs,
      outputs,
      projector: this.log.projector,
      adopted,
      published,
      dispatch: jet.dispatch,
      logs: jet.logs,
      contexts: contextsFrom(jet.blobs('contexts'), {
        registry: () => this.registries.client,
        addressPolicy: environment.PLINTH_CONTEXT_ALLOW,
      }),
      registries: this.registries,
      secrets,
      redactor,
      engine: chooseEngine(environment, dataDir, logger),
      config: {
        builderId:
          environment.PLINTH_BUILDER_ID ??
          `${hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-')}-${randomBytes(3).toString('hex')}`,
        pool: environment.PLINTH_POOL,
        slots: environment.PLINTH_SLOTS,
        workDir: join(dataDir, 'work'),
        baseLayers: { dir: join(dataDir, 'layers'), maxBytes: environment.PLINTH_BASE_LAYERS },
        ackWaitMs,
        putTimeoutMs: Math.min(putTimeoutMs, ackWaitMs / 2),
        reconcileMs: environment.PLINTH_RECONCILE * 1000,
        network: environment.PLINTH_BUILD_NETWORK,
        cacheRepository: environment.PLINTH_CACHE_REPOSITORY,
        reuseForMs: environment.PLINTH_REUSE_FOR * 1000,
        provenance: environment.PLINTH_PROVENANCE,
        signingKey: environment.PLINTH_SIGNING_KEY,
      },
      clock,
      logger,
      metrics: builderMetrics(runtime.metrics.registry),
      leases: jet.kv('leases'),
    });
    checkBuilder(runtime.diagnostics, this.service);
    health.register('builder', () => this.service.ready().join(' ') || undefined);
  }

  async start(): Promise<void> {
    await this.log.start();
    await this.service.start();
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await this.log.stop();
    await this.registries.close();
  }
}

@Module({
  providers: [{ provide: Builder, inject: [Runtime], useFactory: (runtime: Runtime) => new Builder(runtime) }],
})
export class BuilderModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly builder: Builder) {}

  onApplicationBootstrap(): Promise<void> {
    return this.builder.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.builder.stop();
  }
}
