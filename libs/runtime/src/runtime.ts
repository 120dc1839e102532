import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Clock, Jet, Logger } from '#libs/event-log';
import {
  IDEMPOTENCY_STORE,
  MemoryIdempotencyStore,
  type Config,
  type Health,
  type Metrics,
  type Redactor,
  type SecretStore,
  type TokenStore,
} from '#libs/service';

/** What the services of one process share: the connection to the log, and what is kept beside it. */
export interface RuntimeParts {
  readonly config: Config;
  readonly jet: Jet;
  readonly secrets: SecretStore;
  readonly tokens: TokenStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly redactor: Redactor;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Called when a service cannot go on by itself. */
  readonly onFailure: (error: Error) => void;
}

/** {@link RuntimeParts} as something that Nest injects. */
export class Runtime implements RuntimeParts {
  readonly config: Config;
  readonly jet: Jet;
  readonly secrets: SecretStore;
  readonly tokens: TokenStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly redactor: Redactor;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly onFailure: (error: Error) => void;

  constructor(parts: RuntimeParts) {
    this.config = parts.config;
    this.jet = parts.jet;
    this.secrets = parts.secrets;
    this.tokens = parts.tokens;
    this.clock = parts.clock;
    this.logger = parts.logger;
    this.redactor = parts.redactor;
    this.health = parts.health;
    this.metrics = parts.metrics;
    this.onFailure = parts.onFailure;
  }
}

/** Gives every module of the process the {@link Runtime}. */
@Global()
@Module({})
export class RuntimeModule {
  static with(runtime: Runtime): DynamicModule {
    const providers = [
      { provide: Runtime, useValue: runtime },
      // In memory: an answer may hold a new token, which is stored nowhere.
      { provide: IDEMPOTENCY_STORE, useValue: new MemoryIdempotencyStore() },
    ];
    return { module: RuntimeModule, providers, exports: providers };
  }
}
