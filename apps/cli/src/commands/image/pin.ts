import type { Command } from 'commander';
import { command } from '../../command.js';
import { digest } from '../../parsers.js';
import { addDecisionOptions, decide, type DecisionOptions } from './decide.js';

interface Options extends DecisionOptions {
  readonly digest?: string;
}

export default command<Options, [string]>({
  describe: (pin: Command) =>
    addDecisionOptions(pin).option('--digest <digest>', 'what to stay on; the adopted one unless said', digest),

  run: (session, options, reference) => {
    const { reason, digest: which } = options;
    return decide(
      session,
      'pinImage',
      { reference, reason, ...(which === undefined ? {} : { digest: which }) },
      options,
    );
  },
});
