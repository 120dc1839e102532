import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tempDir, type TempDir } from '#libs/testing';
import { resolveConnection, type ConnectionSources } from './connection.js';
import { isReadByOthers, readContexts, writeContexts } from './contexts.js';
import { contextsFile } from './files.js';

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir('settings');
});
afterAll(() => folder.remove());

const written = async (name: string, text: string): Promise<string> => {
  const file = join(folder.path, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
};

describe('the file of contexts', () => {
  it('is below XDG_CONFIG_HOME, or ~/.config', () => {
    expect(contextsFile({ XDG_CONFIG_HOME: '/x', HOME: '/h' })).toBe('/x/plinth/contexts.yaml');
    expect(contextsFile({ HOME: '/h' })).toBe('/h/.config/plinth/contexts.yaml');
  });

  it('comes back as it was written, for its owner alone, and leaves nothing beside it', async () => {
    const file = join(folder.path, 'new/contexts.yaml');
    expect(await readContexts(file)).toEqual({ current: undefined, contexts: {} });
    const contexts = { current: 'a', contexts: { a: { server: 'http://a.test', token: 't' } } };
    await writeContexts(file, contexts);
    await writeContexts(file, contexts);
    expect(await readContexts(file)).toEqual(contexts);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(dirname(file))).toEqual(['contexts.yaml']);
    expect(await isReadByOthers(file)).toBe(false);
    await chmod(file, 0o640);
    expect(await isReadByOthers(file)).toBe(true);
  });

  it.each([
    ['[1, 2]', 'expected current and contexts'],
    ['current: [a]', 'current: expected a name'],
    ['contexts: [a]', 'contexts: expected one entry for each context'],
    ['contexts: {a: {token: secret-1}}', 'contexts.a.server: expected the address of a server'],
    ['contexts: {a: {server: http://a.test, token: [secret-1]}}', 'contexts.a.token: expected a text'],
    ['token: "secret-1', 'is not YAML'],
  ])('%j is refused, by what was expected and without what stands there', async (text, words) => {
    const file = await written('bad.yaml', text);
    const error = await readContexts(file).catch((one: Error) => one);
    expect(error).toMatchObject({ message: expect.stringContaining(words), exit: 2 });
    expect((error as Error).message).not.toContain('secret-1');
  });
});

describe('the connection', () => {
  const contexts = {
    current: 'prod',
    contexts: {
      prod: { server: 'https://prod.test', token: 'prod-token', registry: 'r.prod.test' },
      test: { server: 'https://test.test', token: 'test-token' },
    },
  };
  const resolve = (more: Partial<ConnectionSources>) =>
    resolveConnection({ options: {}, env: {}, contexts, adminTokenFile: join(folder.path, 'nothing'), ...more });
  const none = { current: undefined, contexts: {} };

  it('is the context in use', async () => {
    expect(await resolve({})).toMatchObject({
      server: 'https://prod.test',
      token: 'prod-token',
      context: 'prod',
      registry: 'r.prod.test',
    });
  });

  it('goes flag, environment, context, default', async () => {
    const env = { PLINTH_SERVER: 'http://env.test/', PLINTH_TOKEN: 'env-token' };
    expect(await resolve({ env })).toMatchObject({ server: 'http://env.test', token: 'env-token' });
    expect(await resolve({ env, options: { server: 'http://flag.test' } })).toMatchObject({
      server: 'http://flag.test',
      token: 'env-token',
    });
    expect(await resolve({ env: { PLINTH_CONTEXT: 'test' } })).toMatchObject({ token: 'test-token' });
    expect(await resolve({ env, options: { context: 'test' } })).toMatchObject({
      server: 'https://test.test',
      token: 'test-token',
    });
    const tokenFile = await written('token', 'file-token\n');
    expect(await resolve({ env, options: { tokenFile } })).toMatchObject({ token: 'file-token' });
    expect(await resolve({ contexts: none })).toMatchObject({ server: 'http://127.0.0.1:7460', token: undefined });
  });

  it('sends the token of a context to its own server alone', async () => {
    expect(await resolve({ options: { server: 'http://evil.test' } })).toMatchObject({ token: undefined });
    expect(await resolve({ env: { PLINTH_SERVER: 'http://evil.test' } })).toMatchObject({ token: undefined });
    expect(await resolve({ options: { context: 'prod', server: 'http://evil.test' } })).toMatchObject({
      token: undefined,
    });
  });

  it('takes the token of the installation for the server on this machine alone', async () => {
    const adminTokenFile = await written('admin.token', 'admin-token\n');
    expect(await resolve({ contexts: none, adminTokenFile })).toMatchObject({ token: 'admin-token' });
    const options = { server: 'http://evil.test' };
    expect(await resolve({ contexts: none, adminTokenFile, options })).toMatchObject({ token: undefined });
  });

  it('names what cannot be used', async () => {
    await expect(resolve({ options: { context: 'nowhere' } })).rejects.toThrow(
      'There is no context nowhere; there are prod, test.',
    );
    await expect(resolve({ options: { tokenFile: '/nowhere' } })).rejects.toThrow(
      '--token-file: /nowhere cannot be read (ENOENT).',
    );
    const empty = await written('empty', '\n');
    await expect(resolve({ options: { tokenFile: empty } })).rejects.toThrow('holds no token');
    await expect(resolve({ env: { PLINTH_SERVER: 'prod.test' } })).rejects.toThrow(
      'prod.test is no address of a server.',
    );
  });
});
