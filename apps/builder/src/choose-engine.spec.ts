import { describe, expect, it } from 'vitest';
import { silentLogger } from '#libs/event-log';
import { chooseEngine } from './choose-engine.js';
import { builderConfigSchema } from './config.js';

const choose = (environment: Record<string, string>) =>
  chooseEngine(builderConfigSchema.parse(environment), '/nonexistent', silentLogger);

describe('the engine of a builder', () => {
  it.each([
    [{}, 'docker-buildx', 'oci'],
    [{ PLINTH_ENGINE: 'buildkit' }, 'buildkit', 'oci'],
    [{ PLINTH_ENGINE: 'buildah' }, 'buildah', 'oci'],
    [{ PLINTH_ENGINE: 'buildah', PLINTH_ISOLATION: 'chroot' }, 'buildah', 'chroot'],
    [
      { PLINTH_ENGINE: 'buildkit', PLINTH_BUILDKIT_HOST: 'tcp://builder:1234', PLINTH_ISOLATION: 'userns' },
      'buildkit',
      'userns',
    ],
    [
      { PLINTH_ENGINE: 'docker', PLINTH_DOCKER_HOST: 'unix:///run/docker.sock', PLINTH_ISOLATION: 'vm' },
      'docker-buildx',
      'vm',
    ],
  ])('%j is %s, isolated by %s', (environment, name, isolation) => {
    expect(choose(environment)).toMatchObject({ name, isolation });
  });

  it.each([
    [{ PLINTH_ISOLATION: 'chroot' }, 'PLINTH_ISOLATION=chroot is not what the engine docker gives here: expected oci.'],
    // A daemon of our own is no virtual machine, whatever is said.
    [{ PLINTH_ENGINE: 'buildkit', PLINTH_ISOLATION: 'vm' }, 'expected oci.'],
    [{ PLINTH_ENGINE: 'buildah', PLINTH_ISOLATION: 'userns' }, 'expected oci or chroot.'],
    [
      { PLINTH_DOCKER_HOST: 'unix:///run/docker.sock', PLINTH_BUILD_PIDS: '100', PLINTH_BUILD_DISK: '1GB' },
      'PLINTH_BUILD_PIDS, PLINTH_BUILD_DISK: a daemon that somebody else runs is limited by whoever runs it.',
    ],
  ])('%j is refused with what is possible', (environment, words) => {
    expect(() => choose(environment)).toThrow(words);
  });
});

it.each([
  ['4GB', 4e9],
  ['1.5MB', 1.5e6],
  ['0', undefined],
])('a limit of %s is %s bytes', (text, bytes) => {
  expect(builderConfigSchema.parse({ PLINTH_BUILD_MEMORY: text }).PLINTH_BUILD_MEMORY).toBe(bytes);
});

it('a limit that is no size is refused with an example of one', () => {
  expect(() => builderConfigSchema.parse({ PLINTH_BUILD_DISK: '10 GiB' })).toThrow('expected a size like 4GB');
});

it.each(['registry.example.com/build-cache:1', 'build-cache', 'https://registry.example.com/x', ''])(
  'a repository for the cache is not %j',
  (text) => {
    expect(() => builderConfigSchema.parse({ PLINTH_CACHE_REPOSITORY: text })).toThrow(
      'expected host/repository without a tag',
    );
  },
);
