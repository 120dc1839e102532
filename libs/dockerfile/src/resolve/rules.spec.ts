import { describe, expect, it } from 'vitest';
import { resolveDockerfile } from '../index.js';
import type { ImageUse, ResolveOptions } from '../index.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

/** `role reference [via] [@stage] [platforms]`, what is usual left out, so that a table stays readable. */
const line = ({ role, reference, via, stage, platforms }: ImageUse) =>
  [
    role,
    reference.replace('docker.io/library/', ''),
    ...(via === 'direct' ? [] : [via]),
    ...(stage === null ? [] : [`@${stage}`]),
    ...(platforms.join() === 'linux/amd64' ? [] : [platforms.join()]),
  ].join(' ');

const uses = async (file: string, options: ResolveOptions = {}) =>
  (await resolveDockerfile(file, options)).images.map(line);

type Row = readonly [rule: string, file: string, expected: readonly string[], options?: ResolveOptions];

const run = (rows: readonly Row[]) =>
  it.each(rows.map(([rule, file, expected, options]) => ({ rule, file, expected, options })))(
    '$rule',
    async ({ file, expected, options }) => {
      expect(await uses(file, options)).toEqual(expected);
    },
  );

describe('global ARGs', () => {
  run([
    ['FROM sees an ARG before the first FROM', 'ARG V=22\nFROM node:$V', ['base node:22']],
    ['FROM does not see an ARG inside a stage', 'FROM a\nARG V=22\nFROM node:${V:-1}', ['base node:1']],
    ['a default may use an earlier ARG', 'ARG R=x.io\nARG B=${R}/n:1\nFROM $B', ['base x.io/n:1']],
    ['a default does not see a later ARG', 'ARG B=n${T}\nARG T=1\nFROM $B', ['base n:latest']],
    ['a later ARG of the same name wins', 'ARG V=1\nARG V=$V.2\nFROM n:$V', ['base n:1.2']],
    ['several ARGs may stand in one instruction', 'ARG A=n B="1" C\nFROM $A:$B$C', ['base n:1']],
    ['a build argument replaces the default', 'ARG V=1\nFROM n:$V', ['base n:2'], { buildArgs: { V: '2' } }],
    ['a replaced default is not even expanded', 'ARG V=${X:?no}\nFROM n:$V', ['base n:2'], { buildArgs: { V: '2' } }],
    ['an empty build argument replaces too', 'ARG V=1\nFROM n${V:+:1}', ['base n:latest'], { buildArgs: { V: '' } }],
    ['a build argument without ARG is not seen', 'FROM n:${V:-1}', ['base n:1'], { buildArgs: { V: '2' } }],
    ['an ARG without value takes the build argument', 'ARG V\nFROM n:$V', ['base n:2'], { buildArgs: { V: '2' } }],
    ['an ARG without value keeps an earlier one', 'ARG V=1\nARG V\nFROM n:$V', ['base n:1']],
    ['quotes are removed', 'ARG V="1"\nFROM "n":\'2\'-$V', ['base n:2-1']],
    ['patterns cut versions', 'ARG V=1.2.3\nFROM n:${V%.*}', ['base n:1.2']],
  ]);
});

describe('predefined platform arguments', () => {
  const arm = { platforms: ['linux/arm/v7'], buildPlatform: 'linux/amd64' };
  run([
    [
      'TARGETARCH and TARGETVARIANT need no ARG',
      'FROM n:$TARGETOS-$TARGETARCH-$TARGETVARIANT',
      ['base n:linux-arm-v7 linux/arm/v7'],
      arm,
    ],
    ['BUILDPLATFORM is where the build runs', 'FROM --platform=$BUILDPLATFORM n', ['base n:latest'], arm],
    [
      'a build argument overrides them',
      'FROM n:$TARGETARCH',
      ['base n:z linux/arm/v7'],
      { ...arm, buildArgs: { TARGETARCH: 'z' } },
    ],
    ['they may be used in defaults', 'ARG T=$BUILDARCH\nFROM n:$T', ['base n:amd64 linux/arm/v7'], arm],
    ['TARGETSTAGE is the last stage', 'FROM n:$TARGETSTAGE AS Last', ['base n:last @last']],
    ['TARGETSTAGE is "default" without a name', 'FROM n:$TARGETSTAGE', ['base n:default']],
    [
      'TARGETSTAGE is the target as it was given',
      'FROM n:$TARGETSTAGE AS a\nFROM b AS c',
      ['base n:A @a'],
      { target: 'A' },
    ],
    [
      'OSVERSION is that of Windows',
      'FROM n:$TARGETOSVERSION',
      ['base n:10.0.1 windows(10.0.1)/amd64'],
      { platforms: ['windows(10.0.1)/amd64'] },
    ],
    [
      'another image for each platform is another entry',
      'FROM n:$TARGETARCH',
      ['base n:amd64', 'base n:arm64 linux/arm64'],
      { platforms: ['linux/amd64', 'linux/arm64'] },
    ],
    [
      'one image for several platforms is one entry',
      'FROM n',
      ['base n:latest linux/amd64,linux/arm64'],
      { platforms: ['linux/arm64', 'linux/amd64'] },
    ],
    [
      '--platform may be a system alone: that of the machine that builds',
      'FROM --platform=linux n',
      ['base n:latest linux/arm64'],
      { buildPlatform: 'linux/arm64' },
    ],
    ['--platform decides over the target platform', 'FROM --platform=linux/aarch64 n', ['base n:latest linux/arm64']],
    [
      'COPY --from an image is for the target platform',
      'FROM --platform=linux/arm64 n\nCOPY --from=i / /',
      ['base n:latest linux/arm64', 'copy i:latest'],
    ],
  ]);
});

describe('stages', () => {
  run([
    ['the last stage is built', 'FROM a\nFROM b', ['base b:latest']],
    [
      'a reachable other stage is role build',
      'FROM a AS x\nFROM b\nCOPY --from=x / /',
      ['build a:latest @x', 'base b:latest'],
    ],
    ['a stage that nothing needs does not count', 'FROM a AS x\nCOPY --from=i / /\nFROM b', ['base b:latest']],
    ['the whole chain of FROMs is role base', 'FROM a AS x\nFROM x AS y\nFROM y', ['base a:latest @x']],
    [
      'a stage in the chain and copied from is base once',
      'FROM a AS x\nFROM x\nCOPY --from=x / /',
      ['base a:latest @x'],
    ],
    ['a target is found in any case', 'FROM a AS One\nFROM b', ['base a:latest @one'], { target: 'oNE' }],
    [
      'what comes after the target does not count',
      'FROM a AS x\nFROM b AS y\nCOPY --from=x / /\nFROM c',
      ['base a:latest @x'],
      { target: 'x' },
    ],
    ['FROM looks a stage up as it is written', 'FROM a AS X\nFROM x', ['base a:latest @x']],
    ['FROM of a later stage name is an image', 'FROM y AS x\nFROM a AS y\nFROM x', ['base y:latest @x']],
    ['a stage may have the name of its image', 'FROM node AS node\nFROM node', ['base node:latest @node']],
    ['a later stage of the same name shadows', 'FROM a AS x\nFROM b AS x\nFROM x', ['base b:latest @x']],
    ['a stage between keeps the earlier one', 'FROM a AS x\nFROM x AS y\nFROM b AS x\nFROM y', ['base a:latest @x']],
    ['scratch is no image', 'FROM scratch\nCOPY --from=a / /', ['copy a:latest']],
    ['AS is read in any case', 'FROM a as x\nFROM x', ['base a:latest @x']],
    ['the same image in two roles is two entries', 'FROM a\nCOPY --from=a / /', ['base a:latest', 'copy a:latest']],
    [
      'the same image twice in one role and stage is one',
      'FROM a\nCOPY --from=i / /\nCOPY --from=i:latest /x /',
      ['base a:latest', 'copy i:latest'],
    ],
    [
      'names are normalised',
      'FROM index.docker.io/node\nCOPY --from=localhost:5000/x / /',
      ['base node:latest', 'copy localhost:5000/x:latest'],
    ],
    ['a heredoc body never counts', 'FROM a\nRUN <<E\nFROM b\nCOPY --from=c / /\nE', ['base a:latest']],
    ['a name from an ARG may be a stage', 'ARG S=x\nFROM a AS x\nFROM b AS y\nFROM $S', ['base a:latest @x']],
  ]);
});

describe('COPY --from and RUN --mount', () => {
  run([
    ['COPY --from a number is that stage', 'FROM a\nFROM b\nCOPY --from=0 / /', ['build a:latest', 'base b:latest']],
    [
      'COPY --from a name is in any case',
      'FROM a AS x\nFROM b\nCOPY --from=X / /',
      ['build a:latest @x', 'base b:latest'],
    ],
    ['COPY --from anything else is an image', 'FROM b\nCOPY --from=x:1 / /', ['base b:latest', 'copy x:1']],
    ['its value may be quoted', 'FROM b\nCOPY --from="x" / /', ['base b:latest', 'copy x:latest']],
    ['it may follow other flags', 'FROM b\nCOPY --link --chown=1:1 --from=x / /', ['base b:latest', 'copy x:latest']],
    ['it may be in JSON form', 'FROM b\nCOPY --from=x ["/", "/"]', ['base b:latest', 'copy x:latest']],
    [
      'a mount is a stage or an image',
      'FROM a AS x\nFROM b\nRUN --mount=from=X,target=/x --mount=type=bind,from=i,target=/i y',
      ['build a:latest @x', 'base b:latest', 'mount i:latest'],
    ],
    [
      'a mount knows no stage numbers',
      'FROM a\nFROM b\nRUN --mount=from=0,target=/x y',
      ['base b:latest', 'mount 0:latest'],
    ],
    [
      'a cache may start from an image',
      'FROM b\nRUN --mount=type=cache,from=i,target=/i y',
      ['base b:latest', 'mount i:latest'],
    ],
    [
      'other mounts use none',
      'FROM b\nRUN --mount=type=cache,target=/c --mount=type=secret,id=s --mount=type=tmpfs,target=/t y',
      ['base b:latest'],
    ],
    [
      'a mount may continue on the next line',
      'FROM b\nRUN --mount=type=bind,from=i,target=/i \\\n  y',
      ['base b:latest', 'mount i:latest'],
    ],
    ['COPY --from=scratch copies nothing', 'FROM b\nCOPY --from=scratch / /', ['base b:latest']],
    ['ADD of a URL is no image', 'FROM b\nADD https://x.io/y /\nADD git@x.io:y /', ['base b:latest']],
  ]);
});

describe('ONBUILD', () => {
  const triggers = (table: Record<string, string[]>): ResolveOptions => ({
    onBuild: async (reference) => table[reference.replace('docker.io/library/', '').replace(':latest', '')] ?? [],
  });
  run([
    [
      'a trigger of the base may copy from an image',
      'FROM a',
      ['base a:latest', 'copy i:latest onbuild'],
      triggers({ a: ['COPY --from=i / /'] }),
    ],
    [
      'a trigger may mount an image',
      'FROM a',
      ['base a:latest', 'mount i:latest onbuild'],
      triggers({ a: ['RUN --mount=from=i,target=/i x'] }),
    ],
    [
      'a trigger may use a stage, whose base has triggers',
      'FROM c AS x\nFROM a',
      ['build c:latest @x', 'copy i:latest onbuild @x', 'base a:latest'],
      triggers({ a: ['COPY --from=x / /'], c: ['COPY --from=i / /'] }),
    ],
    [
      'triggers of a stage that is not built do not count',
      'FROM c AS x\nFROM a',
      ['base a:latest'],
      triggers({ c: ['COPY --from=i / /'] }),
    ],
    [
      'triggers run in the stage that is FROM the image, not in those after it',
      'FROM a AS x\nFROM x',
      ['base a:latest @x', 'copy i:latest onbuild @x'],
      triggers({ a: ['COPY --from=i / /'] }),
    ],
    [
      'triggers of a local stage count for the stages FROM it',
      'FROM a AS x\nONBUILD COPY --from=i / /\nFROM x AS y',
      ['base a:latest @x', 'copy i:latest onbuild @y'],
      triggers({}),
    ],
    ['and not for the stage itself', 'FROM a AS x\nONBUILD COPY --from=i / /', ['base a:latest @x'], triggers({})],
    [
      'and not for the stages after those',
      'FROM a AS x\nONBUILD COPY --from=i / /\nFROM x AS y\nFROM y AS z\nRUN w',
      ['base a:latest @x', 'copy i:latest onbuild @y'],
      triggers({}),
    ],
    [
      'a trigger may copy from the stage that runs it',
      'FROM a AS x\nCOPY --from=i / /',
      ['base a:latest @x', 'copy i:latest @x'],
      triggers({ a: ['COPY --from=0 / /'] }),
    ],
    [
      'triggers of an image that is only copied from do not run',
      'FROM b\nCOPY --from=a / /',
      ['base b:latest', 'copy a:latest'],
      triggers({ a: ['COPY --from=i / /'] }),
    ],
    [
      'a trigger may hold a heredoc',
      'FROM a AS x\nONBUILD RUN --mount=from=i,target=/i <<E\nFROM b\nE\nFROM x',
      ['base a:latest @x', 'mount i:latest onbuild'],
      triggers({}),
    ],
    [
      'triggers are read per platform',
      'FROM a',
      ['base a:latest linux/amd64,linux/arm64', 'copy amd64:latest onbuild', 'copy arm64:latest onbuild linux/arm64'],
      {
        platforms: ['linux/amd64', 'linux/arm64'],
        onBuild: async (_reference, platform) => [`COPY --from=${platform.slice(6)} / /`],
      },
    ],
  ]);

  it('is asked once per image and platform', async () => {
    const asked: string[] = [];
    const onBuild = async (reference: string, platform: string) => (asked.push(`${reference} ${platform}`), []);
    await resolveDockerfile('FROM a AS x\nFROM a AS y\nCOPY --from=x / /\nFROM a:latest\nCOPY --from=y / /', {
      onBuild,
    });
    expect(asked).toEqual(['docker.io/library/a:latest linux/amd64']);
  });

  it('offline, every base whose triggers were not read is named as unknown', async () => {
    const { unknown } = await resolveDockerfile('FROM a AS x\nFROM b\nCOPY --from=x / /\nCOPY --from=i / /');
    expect(unknown.map(({ kind, reference, stage, line: at }) => [kind, reference, stage, at])).toEqual([
      ['onbuild', 'docker.io/library/a:latest', 'x', 1],
      ['onbuild', 'docker.io/library/b:latest', null, 2],
    ]);
  });

  it('a base that could not be read is unknown, one that has none is not', async () => {
    const onBuild = async (reference: string) => (reference.includes('/a:') ? undefined : []);
    const { unknown } = await resolveDockerfile('FROM a AS x\nFROM b\nCOPY --from=x / /', { onBuild });
    expect(unknown.map(({ reference }) => reference)).toEqual(['docker.io/library/a:latest']);
  });

  it('an error of the reader passes through', async () => {
    const onBuild = () => Promise.reject(new Error('registry is down'));
    await expect(resolveDockerfile('FROM a', { onBuild })).rejects.toThrow('registry is down');
  });
});

describe('named contexts', () => {
  const contexts = (buildContexts: Record<string, string>, more: ResolveOptions = {}) => ({ buildContexts, ...more });
  const image = 'docker-image://new:1';
  run([
    ['replace the image of FROM', 'FROM a', ['base new:1 context'], contexts({ a: image })],
    [
      'are compared in the familiar form',
      'FROM docker.io/library/a:latest',
      ['base new:1 context'],
      contexts({ a: image }),
    ],
    [
      'may be named by the full form',
      'FROM a',
      ['base new:1 context'],
      contexts({ 'docker.io/library/a:latest': image }),
    ],
    ['of another tag do not match', 'FROM a:2', ['base a:2'], contexts({ a: image })],
    [
      'replace what COPY and mounts take',
      'FROM b\nCOPY --from=a / /\nRUN --mount=from=a,target=/a x',
      ['base b:latest', 'copy new:1 context', 'mount new:1 context'],
      contexts({ a: image }),
    ],
    [
      'replace a whole stage, with all that it uses',
      'FROM b AS a\nCOPY --from=i / /\nFROM a',
      ['base new:1 context @a'],
      contexts({ a: image }),
    ],
    [
      'win over a stage that is copied from',
      'FROM b AS a\nFROM c\nCOPY --from=a / /',
      ['build new:1 context @a', 'base c:latest'],
      contexts({ a: image }),
    ],
    [
      'for the platform win over general ones',
      'FROM a',
      ['base new:1 context', 'base other:1 context linux/arm64'],
      contexts({ a: image, 'a::linux/arm64': 'docker-image://other:1' }, { platforms: ['linux/amd64', 'linux/arm64'] }),
    ],
    ['for another platform do not match', 'FROM a', ['base a:latest'], contexts({ 'a::linux/arm64': image })],
    [
      'replace neither scratch nor a stage that is called context',
      'FROM b AS context\nFROM scratch\nCOPY --from=context / /',
      ['build b:latest @context'],
      contexts({ scratch: image, context: image }),
    ],
    ['may be for an image called context', 'FROM context', ['base new:1 context'], contexts({ context: image })],
    ['may be scratch', 'FROM a\nCOPY --from=b / /', ['copy b:latest'], contexts({ a: 'docker-image://scratch' })],
    [
      'of files bring no image',
      'FROM b\nCOPY --from=a / /\nCOPY --from=c / /',
      ['base b:latest'],
      contexts({ a: './dir', c: 'https://x.io/y.git' }),
    ],
    ['get the default tag', 'FROM a', ['base new:latest context'], contexts({ a: 'docker-image://new' })],
    ['are looked up after ARGs', 'ARG B=a\nFROM $B', ['base new:1 context'], contexts({ a: image })],
    [
      'replace what a trigger takes',
      'FROM b',
      ['base b:latest', 'copy new:1 context'],
      contexts({ a: image }, { onBuild: async () => ['COPY --from=a / /'] }),
    ],
    [
      'that replace a base bring its triggers',
      'FROM a',
      ['base new:1 context', 'copy i:latest onbuild'],
      contexts(
        { a: image },
        { onBuild: async (reference) => (reference.includes('new') ? ['COPY --from=i / /'] : []) },
      ),
    ],
  ]);

  it('from an OCI layout or another build are unknown: no registry serves them', async () => {
    const buildContexts = { a: `oci-layout://store@${DIGEST}`, b: 'target:other' };
    const { images, unknown, baseOf } = await resolveDockerfile('FROM a\nCOPY --from=b / /', { buildContexts });
    expect(images).toEqual([]);
    expect(unknown.map(({ kind, reference }) => [kind, reference])).toEqual([
      ['oci-layout', buildContexts.a],
      ['input', buildContexts.b],
    ]);
    expect(baseOf).toEqual({ 'linux/amd64': null });
  });
});

describe('the frontend', () => {
  run([
    [
      '# syntax is an image of role frontend',
      '# syntax=docker/dockerfile:1\nFROM a',
      ['frontend docker.io/docker/dockerfile:1', 'base a:latest'],
    ],
    [
      'BUILDKIT_SYNTAX replaces it',
      '# syntax=docker/dockerfile:1\nFROM a',
      ['frontend x.io/dockerfile:2', 'base a:latest'],
      { buildArgs: { BUILDKIT_SYNTAX: 'x.io/dockerfile:2 --x' } },
    ],
    [
      'it runs where the build runs',
      '# syntax=docker/dockerfile:1\nFROM a',
      ['frontend docker.io/docker/dockerfile:1 linux/arm64', 'base a:latest'],
      { buildPlatform: 'linux/arm64' },
    ],
    [
      'a file in another language has its frontend at least',
      '// syntax=x.io/lang:1\nlet a = 1',
      ['frontend x.io/lang:1'],
    ],
  ]);

  it('one of its own kind makes the rest unknown', async () => {
    const { unknown, target, baseOf } = await resolveDockerfile('{"syntax": "x.io/lang:1"}');
    expect(unknown.map(({ kind, reference }) => [kind, reference])).toEqual([['frontend', 'x.io/lang:1']]);
    expect({ target, baseOf }).toEqual({ target: { stage: null }, baseOf: { 'linux/amd64': null } });
  });
});
