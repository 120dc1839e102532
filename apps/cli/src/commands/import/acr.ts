import { Option, type Command } from 'commander';
import { command } from '../../command.js';
import { acrNotes, reportColumns } from '../../views/applied.js';
import { addFileOptions, readResources, type FileOptions } from '../files.js';

export default command<FileOptions>({
  describe: (acr: Command) =>
    addFileOptions(acr)
      .addOption(new Option('--report', 'print what becomes of each task, in place of the tasks'))
      .addHelpText(
        'after',
        `
Prints tasks of Plinth for what "az acr task list -o json" printed, and on stderr what of them is lost and what to do
about it. Nothing is changed. -o json prints both: {"resources": […], "acr": […]}.

Example:
  az acr task list -r myregistry -o json > acr.json
  plinth import acr -f acr.json > tasks.yaml
  plinth apply -f tasks.yaml`,
      ),

  async run(session, options: FileOptions & { readonly report?: boolean }) {
    const { printer } = session;
    const { resources, acr } = await readResources(session, options);
    const documents = resources.map(({ document }) => document);
    if (options.report) {
      const empty = 'There is no task of Azure Container Registry in these files.';
      return printer.list({ items: acr, columns: reportColumns, name: ({ task }) => task, empty });
    }
    for (const line of acrNotes(acr)) printer.note(line);
    if (printer.format === 'json') return printer.value({ resources: documents, acr });
    const { yamlOf } = await import('#libs/declarative');
    for (const document of documents) printer.data(yamlOf(document));
  },
});
