import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort, startNats } from '#libs/testing';
import { endWithUs } from './children.js';
import { rssMb } from './memory.js';
import { untilReady } from './standalone.js';

const server = (port: number): string =>
  `require('node:http').createServer((_, answer) => answer.end('ready')).listen(${port}, '127.0.0.1')`;

export interface BareProcesses extends AsyncDisposable {
  /** Until nats-server greeted and, after that, an empty Node answered a request; in milliseconds. */
  readonly readyMs: number;
  nodeMb(): number;
  natsMb(): number;
}

/** A nats-server with an empty store, then a Node that answers HTTP and does nothing else. */
export const startBareProcesses = async (): Promise<BareProcesses> => {
  const began = performance.now();
  const nats = await startNats();
  const port = await freePort();
  const node = endWithUs(spawn(process.execPath, ['-e', server(port)], { stdio: 'ignore' }));
  await untilReady(`http://127.0.0.1:${port}`, () => (node.exitCode === null ? undefined : 'it ended'));
  return {
    readyMs: performance.now() - began,
    nodeMb: () => rssMb(node.pid ?? -1),
    natsMb: () => rssMb(nats.pid),
    [Symbol.asyncDispose]: async () => {
      const ended = once(node, 'exit');
      node.kill('SIGTERM');
      await ended;
      await nats.stop();
    },
  };
};
