import { Argument, type Command } from 'commander';
import type { RunStep } from '#libs/contracts';
import { command } from '../../command.js';
import type { Column } from '../../output/table.js';
import { runId } from '../../parsers.js';
import type { Session } from '../../session.js';

const columns: readonly Column<RunStep>[] = [
  { title: 'step', value: ({ name }) => name },
  { title: 'status', value: ({ status }) => status },
  { title: 'took', value: ({ milliseconds }) => (milliseconds === null ? '' : `${milliseconds} ms`) },
  { title: 'lines', value: ({ lines }) => lines },
];

/** Prints the steps of a run: what came from the cache, what was done, and how long that took. */
export const printSteps = async ({ client, printer }: Session, run: string): Promise<void> => {
  const { steps } = await (await client()).listRunSteps({ run });
  await printer.list({ items: steps, columns, name: ({ name }) => name, empty: 'It has no steps.' });
};

export default command<object, [string]>({
  describe: (steps: Command) => steps.addArgument(new Argument('<run>', 'id of the run').argParser(runId)),
  run: (session, _options, run) => printSteps(session, run),
});
