import { command } from '../../command.js';
import { toSecond } from '../../output/words.js';
import { allPages } from '../../pages.js';

export default command({
  async run({ client, printer }) {
    const plinth = await client();
    const items = await allPages(
      (page) => plinth.listTokens(page),
      ({ tokens }) => tokens,
    );
    await printer.list({
      items,
      columns: [
        { title: 'name', value: ({ name }) => name },
        { title: 'scope', value: ({ scope }) => scope },
        { title: 'team', value: ({ team }) => team },
        { title: 'created', value: ({ createdAt }) => toSecond(createdAt) },
        { title: 'expires', value: ({ expiresAt }) => toSecond(expiresAt) || 'never' },
      ],
      name: ({ name }) => name,
      empty: 'There is no token.',
    });
  },
});
