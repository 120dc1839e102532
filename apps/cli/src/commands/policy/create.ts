import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { usageError } from '../../errors.js';
import { accessName } from '../../parsers.js';
import { dryRun } from '../../requests/dry-run.js';
import { policyFields } from '../../views/policy.js';
import { addPolicyOptions, policyParts, type PolicyOptions } from './options.js';

export default command<PolicyOptions, [string]>({
  describe: (create: Command) =>
    addPolicyOptions(create.addArgument(new Argument('<name>', 'its name').argParser(accessName))),

  async run(session, options, name) {
    const { match, ...parts } = policyParts(options);
    if (!match) throw usageError('A policy is for some images.', 'say which: --match docker.io/library/*');
    const input = { name, match, ...parts };
    if (options.dryRun) return dryRun(session, 'createPolicy', input);
    const policy = await (await session.client()).createPolicy(input);
    await session.printer.show({ item: policy, name, fields: policyFields(policy) });
  },
});
