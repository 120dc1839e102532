import { Argument, type Command } from 'commander';
import type { ReachOptions } from '#libs/backup';
import { command } from '../command.js';
import { wouldBe } from '../requests/dry-run.js';
import type { Session } from '../session.js';
import { dataFolder, natsServer, positionsFile } from '../settings/files.js';
import { forgetPositions } from '../settings/positions.js';

interface Options {
  readonly data?: string;
  readonly replace?: boolean;
  readonly verify?: boolean;
  readonly dryRun?: boolean;
}

const keyNotes = {
  Restored: 'The keys that seal secrets came with it.',
  Present: 'The keys that seal secrets are those that were there.',
  Absent: 'The keys that seal secrets are not in the backup: put the key file back, or no stored secret can be opened.',
} as const;

const planned = async (
  session: Session,
  where: ReachOptions,
  path: string,
  replace: boolean | undefined,
): Promise<void> => {
  const { hasStore, keyFileOf, planRestore, reachToRead } = await import('#libs/backup');
  const reached = hasStore(where) ? await reachToRead(where) : null;
  try {
    const plan = await planRestore({ jet: reached?.jet ?? null, path, keyFile: keyFileOf(where), replace });
    await wouldBe(session, { path, position: plan.manifest.position, key: plan.key, streams: plan.streams }, 'changed');
  } finally {
    await reached?.close();
  }
};

export default command<Options, [string]>({
  describe: (restoring: Command) =>
    restoring
      .addArgument(new Argument('<path>', 'backup to restore'))
      .option('--data <folder>', 'data folder of the standalone (default: $PLINTH_DATA, or that of this installation)')
      .option('--replace', 'delete what is there, where it is something else')
      .option('--verify', 'only check that the backup is whole')
      .option('--dry-run', 'print what would be restored and replaced, and change nothing')
      .addHelpText(
        'after',
        `
Stop Plinth first. Restores into the NATS that PLINTH_NATS_URL names, else into that of the standalone. A restore that
was broken off is repeated with the same command.`,
      ),

  async run(session, { data, replace, verify, dryRun }, path) {
    const { io, printer } = session;
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
    if (dryRun) return planned(session, where, source, replace);
    const reached = await reachToRestore(where, source);
    try {
      const { jet, keyFile, maxBytes, begin } = reached;
      const say = (line: string) => printer.progress(line);
      const done = await restore({ jet, path: source, keyFile, maxBytes, replace, begin, say });
      await restoreIsDone(where);
      forgetPositions(positionsFile(io.env));
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
