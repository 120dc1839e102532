import { Argument, type Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../../command.js';
import { watch } from '../../follow/screen.js';
import { duration, nonEmpty } from '../../parsers.js';
import { waveLines } from './show.js';

export default command<{ readonly timeout?: number }, [string]>({
  describe: (show: Command) =>
    show
      .addArgument(new Argument('<wave>', 'id of the wave').argParser(nonEmpty))
      .option('--timeout <time>', 'watch so long at most, such as 10m', duration),

  async run(session, { timeout }, id) {
    const plinth = await session.client();
    await plinth.getWave({ wave: id });
    const end = await watch(session, {
      types: 'wave,run,rebuild',
      what: `wave ${id}`,
      goOn: `plinth wave watch ${id}`,
      timeoutMs: timeout,
      read: (position, signal) => plinth.getWave({ wave: id }, { signal, ...(position > 0 ? { position } : {}) }),
      lines: (wave) => waveLines(wave, session.printer.colour),
      isOver: ({ closedAt }) => closedAt !== null,
    });
    return end.counts.failed > 0 ? exitCodes.failure : exitCodes.ok;
  },
});
