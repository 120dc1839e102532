import { describe, expect, it } from 'vitest';
import { diagnose } from './failures.js';

/** What Docker 26.1 with buildx 0.13 printed. */
const said: readonly (readonly [string, string])[] = [
  [
    'ERROR: failed to solve: process "/bin/sh -c echo hi && nosuch" did not complete successfully: exit code: 127',
    'STEP_FAILED',
  ],
  ['ERROR: failed to solve: failed to read dockerfile: open none: no such file or directory', 'DOCKERFILE_NOT_FOUND'],
  ['ERROR: failed to solve: target stage "zz" could not be found', 'TARGET_NOT_FOUND'],
  [
    'ERROR: failed to solve: 127.0.0.1:15555/nope:1: failed to resolve source metadata for 127.0.0.1:15555/nope:1: 127.0.0.1:15555/nope:1: not found',
    'BASE_NOT_FOUND',
  ],
  [
    'ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref x::y: "/nofile": not found',
    'CONTEXT_FILE_NOT_FOUND',
  ],
  [
    'ERROR: failed to solve: dockerfile parse error on line 2: unknown instruction: FOO (did you mean FROM?)',
    'DOCKERFILE_INVALID',
  ],
  [
    'ERROR: failed to solve: failed to resolve source metadata for a.b/c:1: could not resolve image due to policy: source "docker-image://a.b/c:1" denied by policy: source denied by policy',
    'BASE_NOT_PINNED',
  ],
  [
    'ERROR: Cannot connect to the Docker daemon at unix:///tmp/nope.sock. Is the docker daemon running?',
    'ENGINE_UNAVAILABLE',
  ],
  ['ERROR: failed to solve: something new', 'BUILD_FAILED'],
];

describe('an error of buildx', () => {
  it.each(said)('%s is %s', (words, code) => {
    expect(diagnose(`Dfail:2\n------\n${words}`, 'docker-buildx')).toMatchObject({ code });
  });

  it('is our fault when buildx was killed and said nothing', () => {
    expect(diagnose('', 'docker-buildx')).toMatchObject({ kind: 'ours', code: 'ENGINE_FAILED' });
  });

  it('is a failed command even when the command speaks of other failures', () => {
    const words =
      'ERROR: failed to solve: process "/bin/sh -c echo no space left on device" did not complete successfully: exit code: 3';
    expect(diagnose(words, 'docker-buildx')).toEqual({
      kind: 'failed',
      code: 'STEP_FAILED',
      reason: 'The command "echo no space left on device" ended with exit code 3.',
    });
  });
});
