import { Argument, type Command } from 'commander';
import { command } from '../command.js';
import { wouldBe } from '../requests/dry-run.js';
import { dataFolder, natsServer } from '../settings/files.js';

interface Options {
  readonly data?: string;
  readonly withKey?: boolean;
  readonly dryRun?: boolean;
}

export default command<Options, [string]>({
  describe: (backing: Command) =>
    backing
      .addArgument(new Argument('<path>', 'folder to make, or file that ends in .tar'))
      .option('--data <folder>', 'data folder of the standalone (default: $PLINTH_DATA, or that of this installation)')
      .option('--with-key', 'put the keys that seal secrets into it: whoever has the backup then has the secrets')
      .option('--dry-run', 'print what would be backed up, and write nothing')
      .addHelpText(
        'after',
        `
Backs up everything that Plinth keeps: its streams and buckets in JetStream. Plinth may run meanwhile. It reads the NATS
that PLINTH_NATS_URL names (with PLINTH_NATS_USER, …_PASSWORD, …_CREDS, …_TLS_CA), else that of the standalone.`,
      ),

  async run(session, { data, withKey, dryRun }, path) {
    const { io, printer } = session;
    const { resolve } = await import('node:path');
    const { backup, reachToRead, streamsToBackUp } = await import('#libs/backup');
    const target = resolve(io.cwd, path);
    const where = { env: io.env, data: resolve(io.cwd, data ?? dataFolder(io.env)), natsServer: natsServer() };
    const reached = await reachToRead(where);
    try {
      const { jet, keyFile } = reached;
      if (dryRun) {
        const streams = await streamsToBackUp({ jet, path: target });
        return await wouldBe(session, { path: target, streams, key: withKey ?? false }, 'written');
      }
      const say = (line: string) => printer.progress(line);
      const manifest = await backup({ jet, path: target, say, ...(withKey ? { keyFile } : {}) });
      const { position, createdAt, key } = manifest;
      const bytes = manifest.streams.reduce((sum, one) => sum + one.bytes, 0);
      const item = { path: target, position, createdAt, bytes, key: key !== null };
      const fields = [
        ['Backup', target],
        ['Position', String(position)],
        ['Size', `${Math.ceil(bytes / 1024)} KiB`],
        ['Keys', key ? 'in it' : 'not in it'],
      ] as const;
      await printer.show({ item, name: target, fields });
      if (!key) printer.note(`Keep ${keyFile} as well, and apart from it: stored secrets are sealed under its keys.`);
    } finally {
      await reached.close();
    }
  },
});
