import { Option, type Command } from 'commander';
import type { Input } from '#libs/contracts';
import { command } from '../../command.js';
import { allPages } from '../../pages.js';
import { nonEmpty, oneOf, taskName, wholeNumber } from '../../parsers.js';
import type { Session } from '../../session.js';
import { runColumns } from '../../views/run.js';

export type RunStatus = NonNullable<Input<'listRuns'>['status']>;

export const runStatus = oneOf<RunStatus>(
  'Queued',
  'Started',
  'Running',
  'Succeeded',
  'Failed',
  'Canceled',
  'Error',
  'Timeout',
);

export interface RunFilter {
  readonly task?: string;
  readonly status?: RunStatus;
  readonly wave?: string;
  readonly image?: string;
}

export const listRuns = async ({ client, printer }: Session, filter: RunFilter, limit: number): Promise<void> => {
  const plinth = await client();
  const { task, status, wave, image } = filter;
  const items = await allPages(
    (page) =>
      plinth.listRuns({
        ...page,
        ...(task === undefined ? {} : { task }),
        ...(status === undefined ? {} : { status }),
        ...(wave === undefined ? {} : { wave }),
        ...(image === undefined ? {} : { image }),
      }),
    ({ runs }) => runs,
    limit,
  );
  const narrowed = [task, status, wave, image].some((one) => one !== undefined);
  await printer.list({
    items,
    columns: runColumns(new Date()),
    name: ({ runId }) => runId,
    empty: narrowed ? 'There is no such run.' : 'There is no run yet. Start one: plinth task run -n TASK',
  });
};

interface Options extends RunFilter {
  readonly limit: number;
}

export default command<Options>({
  describe: (list: Command) =>
    list
      .option('-n, --task <task>', 'only those of this task', taskName)
      .addOption(new Option('--status <status>', 'only those with this status').argParser(runStatus))
      .option('--wave <wave>', 'only those of this wave', nonEmpty)
      .option('--image <image>', 'only those that pushed this name', nonEmpty)
      .addOption(new Option('--limit <count>', 'the newest so many').argParser(wholeNumber(1, 100_000)).default(20)),

  watches: 'run',

  run: (session, { limit, ...filter }) => listRuns(session, filter, limit),
});
