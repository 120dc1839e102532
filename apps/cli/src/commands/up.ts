import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../command.js';
import { CliError } from '../errors.js';
import { installation } from '../settings/files.js';

/** Starts the standalone Plinth in the foreground, as `npm start` does: Ctrl-C ends it in good order. */
export default command({
  async run({ io }) {
    const root = installation();
    const script = join(root, 'scripts/run.mjs');
    if (!existsSync(script))
      throw new CliError(`${script} is not there: this is no clone of Plinth.`, exitCodes.failure);
    const child = spawn(process.execPath, [script, 'start'], { stdio: 'inherit', cwd: root, env: { ...process.env } });
    // At a terminal the key press reaches the child by itself.
    const pass = () => {
      if (io.stdin.isTTY !== true) child.kill('SIGINT');
    };
    io.interrupted.addEventListener('abort', pass, { once: true });
    const stop = () => child.kill('SIGTERM');
    process.once('SIGTERM', stop);
    try {
      return await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (code) => resolve(code ?? exitCodes.failure));
      });
    } finally {
      io.interrupted.removeEventListener('abort', pass);
      process.removeListener('SIGTERM', stop);
    }
  },
});
