import { Argument, type Command } from 'commander';
import { command } from '../command.js';
import { scripts, shells, type Shell } from '../completion/scripts.js';

export default command<object, [Shell]>({
  describe: (completion: Command) =>
    completion
      .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(shells))
      .addHelpText(
        'after',
        '\nNames of tasks, runs, images and so on come from the server that is in use.\n  source <(plinth completion bash)',
      ),

  run({ printer }, _options, shell) {
    printer.data(scripts[shell]);
    return Promise.resolve();
  },
});
