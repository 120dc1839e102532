import { command } from '../../command.js';
import { allPages } from '../../pages.js';
import { policyColumns } from '../../views/policy.js';

export default command({
  async run({ client, printer }) {
    const plinth = await client();
    let preset = '';
    const items = await allPages(
      (page) => plinth.listPolicies(page),
      (answer) => {
        ({ preset } = answer);
        return answer.policies;
      },
    );
    await printer.list({
      items,
      columns: policyColumns,
      name: ({ name }) => name,
      empty: `There is no policy: the preset ${preset} decides about every image.`,
    });
    if (items.length > 0) printer.note(`Where none of them fits, the preset ${preset} decides.`);
  },
});
