import { Argument, type Command } from 'commander';
import type { CallInput } from '#libs/contracts';
import { command } from '../../command.js';
import { usageError } from '../../errors.js';
import { registryHost } from '../../parsers.js';
import { dryRun } from '../../requests/dry-run.js';
import { registryFields } from '../../views/registry.js';
import { addRegistryOptions, registryParts, type RegistryOptions } from './options.js';

interface Options extends RegistryOptions {
  /** False after --no-endpoint and its like: take it away. */
  readonly login?: boolean;
  readonly ifMatch?: string;
}

export default command<Options, [string]>({
  describe: (update: Command) =>
    addRegistryOptions(update.addArgument(new Argument('<registry>', 'its host').argParser(registryHost)))
      .option('--no-endpoint', 'talk to the host of references again')
      .option('--no-ca', 'trust what the machine trusts again')
      .option('--no-client-certificate', 'show no certificate any more')
      .option('--no-allow-address', 'let it send Plinth to public addresses alone again')
      .option('--no-mirror-of', 'follow no images of another registry here any more')
      .option('--no-mirror-path', 'have them under their own path again')
      .option('--no-login', 'log in no more')
      .option('--no-notifications', 'take no notifications any more')
      .option('--if-match <etag>', 'change only this version of the registry'),

  async run(session, options, host) {
    const given = options as Record<string, unknown>;
    const removed = (name: string): boolean => given[name] === false;
    const set = Object.fromEntries(Object.entries(options).filter(([, value]) => typeof value !== 'boolean'));
    const input: CallInput<'updateRegistry'> = {
      host,
      ...registryParts(set),
      ...(removed('endpoint') ? { endpoint: null } : {}),
      ...(removed('ca') ? { ca: null } : {}),
      ...(removed('clientCertificate') ? { clientCertificate: null } : {}),
      ...(removed('allowAddress') ? { addressPolicy: null } : {}),
      ...(removed('mirrorOf') ? { mirrorOf: null, mirrorPath: null } : {}),
      ...(removed('mirrorPath') ? { mirrorPath: null } : {}),
      ...(removed('login') ? { credentials: null } : {}),
      ...(removed('notifications') ? { notifications: null } : {}),
    };
    if (Object.keys(input).length === 1) throw usageError('Nothing is to be changed.', 'plinth registry update --help');
    if (options.dryRun) return dryRun(session, 'updateRegistry', input);
    const { ifMatch } = options;
    const registry = await (await session.client()).updateRegistry(input, ifMatch === undefined ? {} : { ifMatch });
    await session.printer.show({ item: registry, name: host, fields: registryFields(registry) });
  },
});
