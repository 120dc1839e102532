import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Clock, Jet, Logger } from '#libs/event-log';
import {
  IDEMPOTENCY_STORE,
  MemoryIdempotencyStore,
  type Config,
  type DiagnosticChecks,
  type Health,
  type Metrics,
  type Redactor,
  type SecretStore,
  type TokenStore,
} from '#libs/service';

/**
 * What the services of one process share: the connection to the log, and what is kept beside it. A class without code,
 * so that Nest can inject what has its shape.
 */
export abstract class Runtime {
  /** Name of the process: `watcher`, `standalone` … */
  abstract readonly name: string;
  abstract readonly config: Config;
  abstract readonly jet: Jet;
  abstract readonly secrets: SecretStore;
  abstract readonly tokens: TokenStore;
  abstract readonly clock: Clock;
  abstract readonly logger: Logger;
  abstract readonly redactor: Redactor;
  abstract readonly health: Health;
  abstract readonly diagnostics: DiagnosticChecks;
  abstract readonly metrics: Metrics;
  /** Called when a service cannot go on by itself. */
  abstract readonly onFailure: (error: Error) => void;
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
