import type { Command } from 'commander';
import { command } from '../../command.js';
import { runId } from '../../parsers.js';
import { showRun } from '../runs/show.js';
import { addAzureOptions } from './azure.js';

export default command<{ readonly runId: string }>({
  describe: (show: Command) => addAzureOptions(show).requiredOption('--run-id <run>', 'id of the run', runId),

  run: (session, { runId: id }) => showRun(session, id),
});
