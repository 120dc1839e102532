import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProtectedRegistry {
  /** `127.0.0.1:PORT`, as it stands in references. */
  readonly host: string;
  /** Requests that came with the login. */
  readonly accepted: number;
  stop(): Promise<void>;
}

/** A registry behind a door that opens for one login, by Basic authentication. */
export const protectRegistry = async (
  behind: string,
  username: string,
  password: string,
): Promise<ProtectedRegistry> => {
  const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  let accepted = 0;
  const server = createServer((incoming, answer) => {
    if (incoming.headers.authorization !== wanted) {
      incoming.resume();
      const challenge = { 'www-authenticate': 'Basic realm="journey"', 'content-type': 'application/json' };
      answer.writeHead(401, challenge).end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'log in' }] }));
      return;
    }
    accepted += 1;
    const { authorization: _known, ...headers } = incoming.headers;
    const { method, url } = incoming;
    const [hostname, port] = behind.split(':');
    const onward = request({ hostname, port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get accepted() {
      return accepted;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
