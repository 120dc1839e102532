import { command } from '../../command.js';
import { readContexts, withoutToken } from '../../settings/contexts.js';
import { contextsFile } from '../../settings/files.js';

export default command({
  async run({ io, printer }) {
    const { current, contexts } = await readContexts(contextsFile(io.env));
    const items = Object.entries(contexts).map(([name, context]) => ({
      ...withoutToken(name, context),
      current: name === current,
    }));
    await printer.list({
      items,
      columns: [
        { title: '', value: (one) => (one.current ? '*' : '') },
        { title: 'name', value: ({ name }) => name },
        { title: 'server', value: ({ server }) => server },
        { title: 'token', value: ({ token }) => token },
        { title: 'registry', value: ({ registry }) => registry },
      ],
      name: ({ name }) => name,
      empty: 'There is no context; commands talk to http://127.0.0.1:7460. Make one: plinth ctx add NAME --server URL',
    });
  },
});
