import type { Command } from 'commander';
import { command } from '../../command.js';
import { digest } from '../../parsers.js';
import { addDecisionOptions, decide, type DecisionOptions } from './decide.js';

interface Options extends DecisionOptions {
  readonly digest?: string;
  readonly urgent?: boolean;
}

export default command<Options, [string]>({
  describe: (release: Command) =>
    addDecisionOptions(release)
      .option('--digest <digest>', 'which of those that wait; the newest unless said', digest)
      .option('--urgent', 'build what it makes stale before other updates'),

  run: (session, options, reference) => {
    const { reason, digest: which, urgent } = options;
    const more = { ...(which === undefined ? {} : { digest: which }), ...(urgent ? { urgent } : {}) };
    return decide(session, 'releaseImage', { reference, reason, ...more }, options);
  },
});
