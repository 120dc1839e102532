import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { accessName } from '../../parsers.js';
import { policyFields } from '../../views/policy.js';

export default command<object, [string]>({
  describe: (show: Command) => show.addArgument(new Argument('<policy>', 'its name').argParser(accessName)),

  async run({ client, printer }, _options, name) {
    const policy = await (await client()).getPolicy({ name });
    await printer.show({ item: policy, name, fields: policyFields(policy) });
  },
});
