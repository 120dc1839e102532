import type { Command } from 'commander';
import { usageError } from '../errors.js';
import type { CommandDefinition } from '../command.js';

/** A command of az that has its name here already, and says what there is instead. */
export const reserved = (name: string, what: string): CommandDefinition<never, never> => ({
  describe: (command: Command) => command.allowUnknownOption().allowExcessArguments(),

  run: () =>
    Promise.reject(
      usageError(
        `plinth ${name} is reserved for ${what}, which Plinth does not do yet.`,
        'plinth build, or plinth task run',
      ),
    ),
});
