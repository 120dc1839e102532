import { randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestCertificate } from './certificate.js';

/** One request for a token, as it came. */
export interface TokenRequest {
  readonly method: string;
  readonly scopes: readonly string[];
  readonly user: string | undefined;
}

export interface TokenServer {
  readonly realm: string;
  readonly requests: TokenRequest[];
  stop(): Promise<void>;
}

/**
 * A token server by distribution's specification: anonymous readers may pull, plinth:secret may do everything, the
 * identity token `identity` is plinth by the OAuth2 form.
 */
export async function startTokenServer(certificate: TestCertificate): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://token');
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const post = request.method === 'POST';
      const scopes = post ? (form.get('scope') ?? '').split(' ').filter(Boolean) : url.searchParams.getAll('scope');
      const login = Buffer.from(request.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
      const user = post
        ? form.get('refresh_token') === 'identity'
          ? 'plinth'
          : '?'
        : login.split(':')[0] || undefined;
      requests.push({ method: request.method ?? '', scopes, user });
      const known = user === undefined || (post ? user === 'plinth' : login === 'plinth:secret');
      if (!known) {
        response.writeHead(401, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ details: `incorrect username or password for ${login || 'the token'}` }));
        return;
      }
      const allowed = user === undefined ? ['pull'] : ['pull', 'push', 'delete', '*'];
      const token = issue(
        certificate,
        user ?? '',
        scopes.map((scope) => access(scope, allowed)),
      );
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(post ? { access_token: token, expires_in: 300 } : { token, expires_in: 300 }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    realm: `http://127.0.0.1:${port}/token`,
    requests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function access(scope: string, allowed: readonly string[]) {
  const parts = scope.split(':');
  const [type, actions = ''] = [parts[0], parts.at(-1)];
  const name = parts.slice(1, -1).join(':');
  return { type, name, actions: actions.split(',').filter((action) => allowed.includes(action)) };
}

function issue(certificate: TestCertificate, subject: string, granted: unknown[]): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = { typ: 'JWT', alg: 'ES256', x5c: [certificate.x5c] };
  const claims = { iss: 'plinth-test-issuer', sub: subject, aud: 'plinth-test', access: granted, jti: randomUUID() };
  const times = { exp: now + 300, nbf: now - 10, iat: now };
  const unsigned = `${encode(header)}.${encode({ ...claims, ...times })}`;
  const signature = sign('sha256', Buffer.from(unsigned), { key: certificate.key, dsaEncoding: 'ieee-p1363' });
  return `${unsigned}.${signature.toString('base64url')}`;
}
