import { Readable } from 'node:stream';
import { runCli } from '../../apps/cli/src/run.js';
import type { Plinth } from './plinth.js';

export interface CliResult {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line in this process: the same code as the program, without the start of one for each command. */
export const cliOf =
  (plinth: Pick<Plinth, 'url' | 'token' | 'data'>, options: { readonly token?: string; readonly cwd?: string } = {}) =>
  async (args: readonly string[], stdin = ''): Promise<CliResult> => {
    let [stdout, stderr] = ['', ''];
    const exit = await runCli(args, {
      stdin: Readable.from([stdin]),
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      env: {
        PLINTH_SERVER: plinth.url,
        PLINTH_TOKEN: options.token ?? plinth.token,
        HOME: '/nonexistent',
        // The one thing that commands write by themselves.
        XDG_STATE_HOME: plinth.data,
      },
      cwd: options.cwd ?? process.cwd(),
      interrupted: new AbortController().signal,
    });
    return { exit, stdout, stderr };
  };
