import type { EngineRegistry } from './engine.js';

/** Where a registry is talked to: `host:port`. */
export const addressOf = ({ registry, endpoint }: EngineRegistry): string => endpoint ?? registry;

/** The same for the registry of a reference, by its name. */
export const addressesOf =
  (registries: readonly EngineRegistry[]) =>
  (name: string): string => {
    const registry = registries.find((one) => one.registry === name);
    return registry ? addressOf(registry) : name;
  };
