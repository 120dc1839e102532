import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Config } from './config.js';
import { Health } from './health.js';
import type { ServiceLogger } from './logging.js';
import { Metrics } from './metrics.js';
import { Redactor } from './redactor.js';

/** Injection tokens of what is not a class. */
export const CONFIG = Symbol('plinth.config');
export const LOGGER = Symbol('plinth.logger');

export interface ChassisParts {
  readonly config: Config;
  readonly logger: ServiceLogger;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly redactor: Redactor;
}

/** What every provider may inject: `CONFIG`, `LOGGER`, `Health`, `Metrics`, `Redactor`. */
@Global()
@Module({})
export class ChassisModule {
  static with(parts: ChassisParts): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: parts.config },
      { provide: LOGGER, useValue: parts.logger },
      { provide: Health, useValue: parts.health },
      { provide: Metrics, useValue: parts.metrics },
      { provide: Redactor, useValue: parts.redactor },
    ];
    return { module: ChassisModule, providers, exports: providers };
  }
}
