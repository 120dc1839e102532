import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Serves one handler on a free loopback port. */
export async function listening(handler: RequestListener): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface GitServer {
  readonly url: string;
  /** Requests so far: method, path, Authorization. */
  readonly seen: { url: string; authorization: string | undefined }[];
  /** Commits these files (null removes, `-> target` is a link, `@ commit` is a submodule) on a branch of `r.git` and pushes it; answers the commit. */
  commit(branch: string, files: Record<string, string | null>, parent?: string | null): Promise<string>;
  /** Runs git in the served repository. */
  git(...args: string[]): Promise<string>;
  /** Which Authorization header it wants; null is none. */
  wants: string | null;
  close(): Promise<void>;
}

/** The real `git http-backend` behind HTTP, as a forge has it, with one repository `/r.git`. */
export async function gitServer(): Promise<GitServer> {
  const base = await mkdtemp(join(tmpdir(), 'git-server-'));
  const bare = join(base, 'served', 'r.git');
  const work = join(base, 'work');
  const env = {
    PATH: process.env['PATH'],
    HOME: base,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
    GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z',
    GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z',
  };
  const git = async (cwd: string, ...args: string[]): Promise<string> =>
    (await run('git', args, { cwd, env })).stdout.trim();
  await mkdir(bare, { recursive: true });
  await mkdir(work);
  await git(bare, 'init', '--quiet', '--bare', '--initial-branch=main');
  await git(work, 'init', '--quiet', '--initial-branch=main');

  const seen: GitServer['seen'] = [];
  const http = await listening((request, response) => {
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization });
    if (server.wants !== null && request.headers.authorization !== server.wants) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    backend(request, response, { ...env, GIT_PROJECT_ROOT: join(base, 'served'), GIT_HTTP_EXPORT_ALL: '1' });
  });
  const server: GitServer = {
    url: http.url,
    seen,
    wants: null,
    git: (...args) => git(bare, ...args),
    async commit(branch, files, parent = null) {
      await git(work, 'checkout', '--quiet', ...(parent === null ? ['--orphan', `x${Math.random()}`] : [parent]));
      if (parent === null) await git(work, 'rm', '-rqf', '--ignore-unmatch', '.');
      for (const [name, content] of Object.entries(files)) {
        const path = join(work, name);
        await rm(path, { force: true });
        if (content === null || content.startsWith('@ ')) continue;
        await mkdir(dirname(path), { recursive: true });
        if (content.startsWith('-> ')) await symlink(content.slice(3), path);
        else await writeFile(path, content);
      }
      await git(work, 'add', '--all');
      for (const [name, content] of Object.entries(files)) {
        if (!content?.startsWith('@ ')) continue;
        await git(work, 'update-index', '--add', '--cacheinfo', `160000,${content.slice(2)},${name}`);
      }
      await git(work, 'commit', '--quiet', '--allow-empty', '--message=x');
      await git(work, 'push', '--quiet', '--force', bare, `HEAD:refs/heads/${branch}`);
      return git(work, 'rev-parse', 'HEAD');
    },
    async close() {
      await http.close();
      await rm(base, { recursive: true, force: true });
    },
  };
  return server;
}

/** RFC 3875, as much as `git http-backend` needs. */
function backend(request: IncomingMessage, response: ServerResponse, env: NodeJS.ProcessEnv): void {
  const url = new URL(request.url ?? '/', 'http://host');
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...env,
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
    },
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    let status = 200;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/:\s*/, 2);
      if (name === 'Status') status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
  });
  child.stdout.on('end', () => response.end());
}
