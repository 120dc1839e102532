import type { Command } from 'commander';
import { command } from '../../command.js';
import { runId } from '../../parsers.js';
import { cancelRun } from '../runs/cancel.js';
import { addAzureOptions } from './azure.js';

export default command<{ readonly runId: string }>({
  describe: (cancel: Command) => addAzureOptions(cancel).requiredOption('--run-id <run>', 'id of the run', runId),

  run: (session, { runId: id }) => cancelRun(session, id),
});
