import type { Command } from 'commander';
import { collect, registryHost } from './parsers.js';

/** Options of commands that read registries themselves. */
export interface RegistryOptions {
  readonly plainHttp?: boolean;
  readonly allowRegistry?: readonly string[];
}

export const addRegistryOptions = (command: Command, named: string): Command =>
  command
    .option('--plain-http', `speak plain HTTP to ${named}, and to those of --allow-registry`)
    .option(
      '--allow-registry <host>',
      'registry that may be read at a private address (repeatable)',
      collect(registryHost),
    );
