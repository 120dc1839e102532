import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { exitOf } from '../../follow/run.js';
import { watch } from '../../follow/screen.js';
import { fieldLines } from '../../output/table.js';
import { duration, runId } from '../../parsers.js';
import { runFields } from '../../views/run.js';

export default command<{ readonly timeout?: number }, [string]>({
  describe: (show: Command) =>
    show
      .addArgument(new Argument('<run>', 'id of the run').argParser(runId))
      .option('--timeout <time>', 'watch so long at most, such as 10m', duration),

  async run(session, { timeout }, run) {
    const plinth = await session.client();
    await plinth.getRun({ run });
    const end = await watch(session, {
      types: 'run',
      what: `run ${run}`,
      goOn: `plinth runs watch ${run}`,
      timeoutMs: timeout,
      read: (position, signal) => plinth.getRun({ run }, { signal, ...(position > 0 ? { position } : {}) }),
      lines: (view) => fieldLines(runFields(view, new Date())),
      isOver: ({ finishTime }) => finishTime !== null,
    });
    return exitOf(end);
  },
});
