import { createServer } from 'node:net';

/**
 * Below the ports that systems hand out to outgoing connections (from 32768 on, unless set otherwise): one of those may be
 * taken by any client between the moment at which it is found free and the one at which it is listened on.
 */
const [first, count] = [10_000, 22_000];
const given = new Set<number>();

/** Whether it could be listened on now. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** A TCP port of 127.0.0.1 that nobody listens on now, and that this process was not given before. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = first + Math.floor(Math.random() * count);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
};
