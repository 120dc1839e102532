import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface BareListener extends AsyncDisposable {
  readonly url: string;
  /** Resolves when the program that the next push started has ended. */
  next(): Promise<void>;
}

interface Envelope {
  readonly events: readonly {
    readonly action: string;
    readonly target: { readonly repository?: string; readonly tag?: string };
  }[];
}

/** What a notification costs at the least: starts the engine as soon as it hears of a push to one repository. */
export const startBareListener = async (repository: string, program: string): Promise<BareListener> => {
  let done: (() => void) | undefined;
  const server = createServer((request, response) => {
    void (async () => {
      const { events } = (await json(request)) as Envelope;
      const pushed = events.some(
        ({ action, target }) => action === 'push' && target.repository === repository && target.tag !== undefined,
      );
      if (pushed) {
        const child = spawn(program, ['build', '--progress=rawjson', '.'], { stdio: 'ignore' });
        child.once('exit', () => done?.());
      }
      response.writeHead(202).end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    next: () => new Promise((resolve) => (done = resolve)),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
