import { command } from '../../command.js';
import { toSecond } from '../../output/words.js';
import { allPages } from '../../pages.js';

export default command({
  async run({ client, printer }) {
    const plinth = await client();
    const items = await allPages(
      (page) => plinth.listSecrets(page),
      ({ secrets }) => secrets,
    );
    await printer.list({
      items,
      columns: [
        { title: 'name', value: ({ name }) => name },
        { title: 'version', value: ({ version }) => version },
        { title: 'team', value: ({ team }) => team },
        { title: 'shared', value: ({ shared }) => (shared ? 'yes' : 'no') },
        { title: 'set', value: ({ createdAt }) => toSecond(createdAt) },
      ],
      name: ({ name }) => name,
      empty: 'There is no secret. Store one: plinth secret set NAME < FILE',
    });
  },
});
