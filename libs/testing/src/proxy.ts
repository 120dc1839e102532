import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on nothing of what the server says arrives; what clients say still does. */
  swallowReplies(): void;
  /** Breaks every connection; new ones work again. */
  cut(): void;
  close(): Promise<void>;
}

/** A wire that can be broken at the worst moment: between the server's doing and its answer. */
export const startProxy = async (to: number): Promise<TcpProxy> => {
  const pairs = new Set<readonly [Socket, Socket]>();
  let swallow = false;
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (!swallow) client.write(chunk);
    });
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    swallow = false;
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const close = async (): Promise<void> => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    port: (server.address() as AddressInfo).port,
    swallowReplies: () => (swallow = true),
    cut,
    close,
    [Symbol.asyncDispose]: close,
  };
};
