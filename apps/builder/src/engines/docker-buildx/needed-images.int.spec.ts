import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveDockerfile } from '#libs/dockerfile';
import { parseDigest, parsePlatform, parseReference, RegistryClient } from '#libs/oci';
import { tempDir, type TempDir } from '#libs/testing';
import type { BuildOutcome } from '../engine.js';
import { type TestRegistry, hostPlatform, startRegistry } from '../testing/registry.js';
import { requestOf } from '../testing/request.js';
import { useUnpackedTools } from '../testing/tools.js';
import { DockerBuildxEngine } from './docker-buildx.js';
import { ManagedDockerd } from './managed-dockerd.js';

/** `%one` is an image of the registry. What would be taken for an image and is none does not exist. */
const files: readonly (readonly [
  what: string,
  images: readonly string[],
  lines: readonly string[],
  target?: string,
])[] = [
  ['the base', ['one'], ['FROM %one', 'COPY Dockerfile /']],
  [
    'stages that are reached, and no others',
    ['one', 'two'],
    ['FROM %one AS a', 'FROM %none AS b', 'FROM %two', 'COPY --from=0 /version /of-one'],
  ],
  [
    'images that are copied from or mounted',
    ['one', 'two', 'three'],
    ['FROM %one', 'COPY --from=%two /version /of-two', 'RUN --mount=from=%three,target=/three cat /three/version'],
  ],
  ['what a target needs', ['two'], ['FROM %one AS a', 'FROM %two AS B', 'FROM %none'], 'b'],
  ['what arguments make of names', ['two'], ['ARG WHICH=twos', 'FROM %registry/${WHICH%s}:1', 'COPY Dockerfile /']],
  // BuildKit of dockerd 26 finds no stage or image that a trigger alone names; later ones do.
  [
    'what triggers of the base take',
    ['trigger', 'three'],
    ['FROM %three AS helper', 'FROM %trigger', 'COPY --from=helper /version /again'],
  ],
  [
    'nothing that only looks like it',
    ['one'],
    [
      'FROM %one AS a',
      'COPY <<EOF /Dockerfile',
      'FROM %none',
      'COPY --from=%none / /',
      'EOF',
      'RUN echo \\',
      '# FROM %none',
      '',
      '  done',
      'FROM a',
    ],
  ],
];

/** BuildKit is given the digests of the images that were found, and is denied all others: it says what it needs. */
describe('the images that a Dockerfile needs are', () => {
  let dir: TempDir;
  let registry: TestRegistry;
  let client: RegistryClient;
  let engine: DockerBuildxEngine;
  const digests = new Map<string, string>();
  let builds = 0;

  beforeAll(async () => {
    useUnpackedTools();
    dir = await tempDir('needed-images');
    registry = await startRegistry();
    client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http' }] });
    for (const name of ['one', 'two', 'three']) digests.set(named(name), await registry.pushBase(name, '1', name));
    const onBuild = ['COPY --from=helper /version /of-helper'];
    digests.set(named('trigger'), await registry.pushBase('trigger', '1', 'trigger', { onBuild }));
    engine = new DockerBuildxEngine({
      workDir: join(dir.path, 'jobs'),
      daemon: new ManagedDockerd({ dir: join(dir.path, 'dockerd') }),
    });
    await engine.cleanup();
  });
  afterAll(async () => {
    await engine.close();
    await client.close();
    await registry.stop();
    await dir.remove();
  });

  const named = (name: string) => `${registry.host}/${name}:1`;

  const build = async (dockerfile: string, references: readonly string[], target?: string): Promise<BuildOutcome> =>
    engine.build(
      await requestOf(
        join(dir.path, `build-${++builds}`),
        { Dockerfile: dockerfile },
        {
          pins: references.map((reference) => ({ reference, digest: digests.get(reference) ?? '' })),
          registries: [{ registry: registry.host, scheme: 'http' }],
          ...(target !== undefined && { target }),
        },
      ),
    );

  it.each(files.map(([what, images, lines, target]) => ({ what, images, lines, target })))(
    '$what',
    async ({ images, lines, target }) => {
      const dockerfile = lines
        .join('\n')
        .replaceAll('%registry', registry.host)
        .replaceAll(/%([a-z]+)\b(?!\})/g, (_all, name: string) => named(name));
      const resolution = await resolveDockerfile(dockerfile, {
        platforms: [hostPlatform],
        ...(target !== undefined && { target }),
        onBuild: async (reference) => {
          const digest = parseDigest(digests.get(reference) ?? '');
          const { config } = await client.getConfig(
            { ...parseReference(reference), digest },
            parsePlatform(hostPlatform),
          );
          return config.config?.OnBuild ?? [];
        },
      });
      const found = [...new Set(resolution.images.map(({ reference }) => reference))];
      expect(found.sort()).toEqual(images.map(named).sort());
      const whole = await build(dockerfile, found, target);
      expect(whole, JSON.stringify(whole)).toMatchObject({ kind: 'built' });
      for (const one of found) {
        const without = await build(
          dockerfile,
          found.filter((reference) => reference !== one),
          target,
        );
        expect(without).toMatchObject({
          kind: 'failed',
          code: 'BASE_NOT_PINNED',
          reason: expect.stringContaining(one),
        });
      }
    },
  );
});
