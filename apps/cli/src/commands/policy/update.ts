import { Argument, type Command } from 'commander';
import type { CallInput } from '#libs/contracts';
import { command } from '../../command.js';
import { usageError } from '../../errors.js';
import { accessName } from '../../parsers.js';
import { dryRun } from '../../requests/dry-run.js';
import { policyFields } from '../../views/policy.js';
import { addPolicyOptions, policyParts, type PolicyOptions } from './options.js';

/** Fields that can be taken away, and the option that does. */
const removable = ['preset', 'minimumAge', 'settle', 'hold', 'allow', 'anomalies', 'followVersions'] as const;

interface Options extends PolicyOptions {
  readonly ifMatch?: string;
}

export default command<Options, [string]>({
  describe: (update: Command) =>
    addPolicyOptions(update.addArgument(new Argument('<policy>', 'its name').argParser(accessName)))
      .option('--no-preset', 'as the default preset again')
      .option('--no-minimum-age', 'as the preset has it')
      .option('--no-settle', 'as the preset has it')
      .option('--no-hold', 'hold no more')
      .option('--no-allow', 'every image may be adopted')
      .option('--no-anomalies', 'as the preset has it')
      .option('--no-follow-versions', 'a tag such as 22.x is a tag like any other')
      .option('--if-match <etag>', 'change only this version of the policy'),

  async run(session, options, name) {
    const { ifMatch, ...given } = options;
    const values = given as Record<string, unknown>;
    const removed = removable.filter((field) => values[field] === false);
    const input: CallInput<'updatePolicy'> = {
      name,
      ...policyParts(given),
      ...Object.fromEntries(removed.map((field) => [field, null])),
    };
    if (Object.keys(input).length === 1) throw usageError('Nothing is to be changed.', 'plinth policy update --help');
    if (options.dryRun) return dryRun(session, 'updatePolicy', input);
    const policy = await (await session.client()).updatePolicy(input, ifMatch === undefined ? {} : { ifMatch });
    await session.printer.show({ item: policy, name, fields: policyFields(policy) });
  },
});
