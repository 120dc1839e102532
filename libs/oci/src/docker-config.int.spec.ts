import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { tempDir } from '#libs/testing';
import { describe, expect, it } from 'vitest';
import { dockerConfigPath, dockerCredentials, parseDockerConfig, readDockerConfig } from './docker-config.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const config = (value: unknown) => parseDockerConfig(JSON.stringify(value), 'config.json');

describe("Docker's config.json", () => {
  it.each([
    ['ghcr.io', { username: 'ann', password: 'a:b' }],
    ['docker.io', { username: 'hub', password: 'pw' }],
    ['registry.corp:5000', { username: 'old', password: 'pw' }],
    ['acr.io', { identityToken: 'refresh' }],
    ['plain.io', { username: 'u', password: 'p' }],
    ['empty.io', undefined],
    ['ghcr.io:443', undefined],
    ['__proto__', undefined],
  ])('has for %s %j', async (registry, expected) => {
    const read = config({
      auths: {
        'ghcr.io': { auth: base64('ann:a:b') },
        'https://index.docker.io/v1/': { auth: base64('hub:pw\0\0') },
        'https://registry.corp:5000/v2/': { auth: base64('old:pw') },
        'acr.io': { auth: base64('0000:'), identitytoken: 'refresh' },
        'plain.io': { username: 'u', password: 'p' },
        'empty.io': {},
      },
    });
    expect(await dockerCredentials(read, registry)).toEqual(expected);
  });

  it('asks credential helpers as docker does: the own one, then the store', async () => {
    await using directory = await tempDir('helpers');
    const helper = async (name: string, script: string) => {
      const path = join(directory.path, `docker-credential-${name}`);
      await writeFile(path, `#!/bin/sh\nread -r host\n${script}\n`);
      await chmod(path, 0o755);
    };
    await helper('own', `echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"for $host\\"}"`);
    await helper('all', `echo '{"Username":"u","Secret":"p"}'`);
    await helper('none', `echo 'credentials not found in native keychain'; exit 1`);
    await helper('broken', `echo secret; exit 1`);
    const env = { PATH: `${directory.path}${delimiter}${process.env.PATH ?? ''}` };
    const read = config({ credHelpers: { 'own.io': 'own', 'no.io': 'none', 'bad.io': 'broken' }, credsStore: 'all' });
    expect(await dockerCredentials(read, 'own.io', env)).toEqual({ identityToken: 'for own.io' });
    expect(await dockerCredentials(read, 'other.io', env)).toEqual({ username: 'u', password: 'p' });
    expect(await dockerCredentials(read, 'no.io', env)).toBeUndefined();
    await expect(dockerCredentials(read, 'bad.io', env)).rejects.toThrow('gave no credentials for bad.io');
    await expect(dockerCredentials(config({ credsStore: 'missing' }), 'a.io', env)).rejects.toThrow('not on PATH');
    await expect(dockerCredentials(config({ credsStore: '../evil' }), 'a.io', env)).rejects.toThrow('not the name');
  });

  it('never quotes the file when it is broken', () => {
    expect(() => parseDockerConfig('{"auths": {"a": {"auth": "c2VjcmV0"', 'x.json')).toThrow(/^x\.json is not JSON$/);
    expect(() => config({ auths: { a: { auth: 1 } } })).toThrow('config.json is not a Docker configuration: see auths');
  });

  it('a missing file is an empty configuration', async () => {
    await using directory = await tempDir('docker');
    const path = dockerConfigPath({ DOCKER_CONFIG: directory.path });
    expect(await readDockerConfig(path)).toEqual({});
    await writeFile(path, '{"auths":{}}');
    expect(await readDockerConfig(path)).toEqual({ auths: {} });
  });
});
