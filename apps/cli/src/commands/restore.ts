import { Argument, type Command } from 'commander';
import { command } from '../command.js';
import { dataFolder, natsServer } from '../settings/files.js';

interface Options {
  readonly data?: string;
  readonly replace?: boolean;
  readonly verify?: boolean;
}

const keyNotes = {
  Restored: 'The keys that seal secrets came with it.',
  Present: 'The keys that seal secrets are those that were there.',
  Absent: 'The keys that seal secrets are not in the backup: put the key file back, or no stored secret can be opened.',
} as const;

export default command<Options, [string]>({
  describe: (restoring: Command) =>
    restoring
      .addArgument(new Argument('<path>', 'backup to restore'))
      .option('--data <folder>', 'data folder of the standalone (default: $PLINTH_DATA, or that of this installation)')
      .option('--replace', 'delete what is there, where it is something else')
      .option('--verify', 'only check that the backup is whole')
      .addHelpText(
        'after',
        `
Stop Plinth first. Restores into the NATS that PLINTH_NATS_URL names, else into that of the standalone. A restore that
was broken off is repeated with the same command.`,
      ),

  async run({ io, printer }, { data, replace, verify }, path) {
    const { resolve } = await import('node:path');
    const { reachToRestore, restore, restoreIsDone, verifyBackup } = await import('#libs/backup');
    const source = resolve(io.cwd, path);
    const { manifest } = await verifyBackup(source);
    const { position, createdAt } = manifest;
    const head = [
      ['Backup', source],
      ['Taken', createdAt],
      ['Position', String(position)],
    ] as const;
    if (verify) {
      await printer.show({ item: { path: source, position, createdAt }, name: source, fields: head });
      printer.note('The backup is whole.');
      return;
    }
    const where = { env: io.env, data: resolve(io.cwd, data ?? dataFolder(io.env)), natsServer: natsServer() };
    const reached = await reachToRestore(where, source);
    try {
      const { jet, keyFile, maxBytes, begin } = reached;
      const say = (line: string) => printer.progress(line);
      const done = await restore({ jet, path: source, keyFile, maxBytes, replace, begin, say });
      await restoreIsDone(where);
      const { restored, events, dispatched, forgotten, key } = done;
      const item = { path: source, position, createdAt, restored, events, dispatched, forgotten, key };
      const fields = [
        ...head,
        ['Restored', restored],
        ['Events', String(events)],
        ['Runs handed out again', String(dispatched)],
      ] as const;
      await printer.show({ item, name: source, fields });
      printer.note(keyNotes[key]);
    } finally {
      await reached.close();
    }
  },
});
