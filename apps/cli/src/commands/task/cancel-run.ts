import type { Command } from 'commander';
import { command } from '../../command.js';
import { runId } from '../../parsers.js';
import { cancelRun, type CancelOptions } from '../runs/cancel.js';
import { addAzureOptions } from './azure.js';
import { sendsNothing } from '../../requests/dry-run.js';

export default command<CancelOptions & { readonly runId: string }>({
  describe: (cancel: Command) =>
    addAzureOptions(cancel)
      .requiredOption('--run-id <run>', 'id of the run', runId)
      .option(...sendsNothing),

  run: (session, options) => cancelRun(session, options.runId, options),
});
