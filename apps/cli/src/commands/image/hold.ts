import { command } from '../../command.js';
import { addDecisionOptions, decide, type DecisionOptions } from './decide.js';

export default command<DecisionOptions, [string]>({
  describe: addDecisionOptions,
  run: (session, options, reference) => decide(session, 'holdImage', { reference, reason: options.reason }, options),
});
