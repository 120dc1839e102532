import type { Command } from 'commander';
import { command } from '../../command.js';
import { runId } from '../../parsers.js';
import { cancelRun, type CancelOptions } from '../runs/cancel.js';
import { addAzureOptions } from './azure.js';

export default command<CancelOptions & { readonly runId: string }>({
  describe: (cancel: Command) =>
    addAzureOptions(cancel)
      .requiredOption('--run-id <run>', 'id of the run', runId)
      .option('--dry-run', 'print what would be sent, and send nothing'),

  run: (session, options) => cancelRun(session, options.runId, options),
});
