import { Option, type Command } from 'commander';
import type { ResourceDocument, ResourceType } from '#libs/contracts';
import { command } from '../command.js';
import { collect, oneOf, teamName } from '../parsers.js';

interface Options {
  readonly team?: string;
  readonly type?: readonly ResourceType[];
}

export default command<Options>({
  describe: (exporting: Command) =>
    exporting
      .option('--team <team>', 'only the tasks of this team', teamName)
      .addOption(
        new Option('--type <type>', 'only resources of this type: Task, Registry or Policy; may be repeated').argParser(
          collect(oneOf<ResourceType>('Task', 'Registry', 'Policy')),
        ),
      )
      .addHelpText(
        'after',
        `
Prints everything that was set, as YAML that plinth apply takes; -o json prints it as a JSON list.

Examples:
  plinth export > plinth.yaml
  plinth --context old export | plinth --context new apply -f -`,
      ),

  async run(session, { team, type }) {
    const { printer } = session;
    const { exportResources, yamlOf } = await import('#libs/declarative');
    const { nameOfResource } = await import('#libs/contracts');
    const documents = exportResources(await session.client(), { team, types: type });
    if (printer.format === 'table' || printer.format === 'wide' || printer.format === 'yaml') {
      // One after the other: there may be very many.
      for await (const document of documents) {
        session.throwIfInterrupted();
        printer.data(yamlOf(document));
      }
      return;
    }
    const all: ResourceDocument[] = [];
    for await (const document of documents) all.push(document);
    if (printer.format !== 'name') return printer.value(all);
    printer.lines(all.map((one) => `${one.type}/${nameOfResource(one)}`));
  },
});
