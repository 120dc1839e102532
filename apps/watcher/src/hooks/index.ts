import type { HookDialect } from './dialect.js';
import { distribution } from './distribution.js';

/** Every dialect there is. */
export const dialects: ReadonlyMap<string, HookDialect> = new Map([distribution].map((one) => [one.name, one]));
