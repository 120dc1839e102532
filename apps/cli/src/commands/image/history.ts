import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { shortDigest, toSecond } from '../../output/words.js';
import { nonEmpty } from '../../parsers.js';
import { watchedImage } from './known.js';

export default command<object, [string]>({
  describe: (history: Command) =>
    history.addArgument(new Argument('<image>', 'its reference, in any spelling').argParser(nonEmpty)),

  async run(session, _options, given) {
    const { reference, adopted, history } = await watchedImage(session, given);
    const { runs } = await (await session.client()).listRuns({ image: reference, pageSize: 100 });
    const pushed = new Map(
      runs.flatMap(({ runId, outputs }) =>
        outputs.filter((output) => output.reference === reference).map(({ digest }) => [digest, runId] as const),
      ),
    );
    const items = history.map(({ digest, at, seenBy }) => ({
      digest,
      at,
      seenBy,
      adopted: digest === adopted?.digest,
      run: pushed.get(digest) ?? null,
    }));
    await session.printer.list({
      items,
      columns: [
        { title: 'digest', value: ({ digest }) => shortDigest(digest) },
        { title: 'since', value: ({ at }) => toSecond(at) },
        { title: 'seen by', value: ({ seenBy }) => seenBy },
        { title: 'run', value: ({ run }) => run },
        { title: 'adopted', value: (one) => (one.adopted ? 'yes' : '') },
      ],
      name: ({ digest }) => digest,
      empty: `${reference} has not been seen yet.`,
    });
  },
});
