import { Argument, type Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../../command.js';
import { registryHost } from '../../parsers.js';

export default command<object, [string]>({
  describe: (test: Command) => test.addArgument(new Argument('<registry>', 'its host').argParser(registryHost)),

  async run({ client, printer }, _options, host) {
    const answer = await (await client()).testRegistry({ host });
    await printer.show({
      item: answer,
      name: host,
      fields: [
        ['Registry', answer.host],
        ['Result', answer.ok ? 'ok' : 'problem'],
        ['Answer', answer.message],
      ],
    });
    return answer.ok ? exitCodes.ok : exitCodes.findings;
  },
});
