import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Runtime } from '#libs/runtime';
import { rawRoute, serves, type Positions } from '#libs/service';
import { ApplyHandlers } from './handlers/apply.handlers.js';
import { ImageDecisionHandlers } from './handlers/image-decision.handlers.js';
import { ImageHandlers } from './handlers/image.handlers.js';
import { PolicyHandlers } from './handlers/policy.handlers.js';
import { RegistryHandlers } from './handlers/registry.handlers.js';
import { HookHandler, maxHookBytes } from './hooks/hook.handler.js';
import { NatsSinks } from './hooks/nats-sinks.js';
import { WatcherService } from './watcher.service.js';

const POSITIONS = Symbol('plinth.watcher.positions');

/** Notifications come by POST; some senders ask by OPTIONS first. */
const hookRoutes = (path: `/v1/${string}`) =>
  (['POST', 'OPTIONS'] as const).map((method) =>
    rawRoute({ service: 'watcher', method, path, maxBytes: maxHookBytes, handler: HookHandler }),
  );

@Module({
  providers: [
    { provide: WatcherService, inject: [Runtime], useFactory: (runtime: Runtime) => new WatcherService(runtime) },
    { provide: POSITIONS, inject: [WatcherService], useFactory: ({ log }: WatcherService): Positions => log.positions },
    RegistryHandlers,
    ImageHandlers,
    ImageDecisionHandlers,
    PolicyHandlers,
    HookHandler,
    {
      provide: NatsSinks,
      inject: [WatcherService, HookHandler],
      useFactory: ({ registries, runtime: { secrets, clock, logger } }: WatcherService, hooks: HookHandler) =>
        new NatsSinks({
          registries,
          secrets,
          take: (dialect, host, request, notifications) => void hooks.take(dialect, host, request, notifications),
          maxBytes: maxHookBytes,
          clock,
          logger,
        }),
    },
    ApplyHandlers,
    serves(
      'watcher',
      {
        createRegistry: RegistryHandlers,
        listRegistries: RegistryHandlers,
        getRegistry: RegistryHandlers,
        updateRegistry: RegistryHandlers,
        deleteRegistry: RegistryHandlers,
        testRegistry: RegistryHandlers,
        createPolicy: PolicyHandlers,
        listPolicies: PolicyHandlers,
        getPolicy: PolicyHandlers,
        updatePolicy: PolicyHandlers,
        deletePolicy: PolicyHandlers,
        applyRegistries: ApplyHandlers,
        applyPolicies: ApplyHandlers,
        listImages: ImageHandlers,
        lookAtImage: ImageHandlers,
        holdImage: ImageDecisionHandlers,
        releaseImage: ImageDecisionHandlers,
        pinImage: ImageDecisionHandlers,
        unpinImage: ImageDecisionHandlers,
        rollbackImage: ImageDecisionHandlers,
      },
      { positions: POSITIONS },
    ),
    ...hookRoutes('/v1/hooks/:dialect/:registry'),
    // For senders that can send no secret in another place.
    ...hookRoutes('/v1/hooks/:dialect/:registry/:key'),
  ],
})
export class WatcherModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly watcher: WatcherService,
    private readonly sinks: NatsSinks,
  ) {
    watcher.onRegistryChange((host) => sinks.follow(host));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.watcher.start();
    this.sinks.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.sinks.stop();
    await this.watcher.stop();
  }
}
