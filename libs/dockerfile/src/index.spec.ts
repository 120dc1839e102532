import { describe, expect, it } from 'vitest';
import { resolveDockerfile, toJson } from './index.js';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const FILE = `# syntax=docker/dockerfile:1
ARG VERSION=22
FROM --platform=$BUILDPLATFORM node:\${VERSION} AS build
RUN --mount=type=cache,target=/root/.npm npm ci
FROM build AS test
RUN npm test
FROM gcr.io/distroless/nodejs:latest@${DIGEST}
COPY --from=build /app /app
COPY --link --from=ghcr.io/acme/certs:1 /certs /certs
`;

describe('a resolution', () => {
  it('prints as the list that the command line shows, field by field', async () => {
    const resolution = await resolveDockerfile(FILE, { platforms: ['linux/amd64', 'linux/arm64/v8'] });
    const direct = (
      reference: string,
      role: string,
      stage: string | null,
      line: number,
      platforms: string[],
      pinned = false,
    ) => ({
      reference,
      role,
      via: 'direct',
      stage,
      line,
      platforms,
      pinned,
    });
    const both = ['linux/amd64', 'linux/arm64'];
    const expected = [
      direct('docker.io/docker/dockerfile:1', 'frontend', null, 1, ['linux/amd64']),
      direct('docker.io/library/node:22', 'build', 'build', 3, ['linux/amd64']),
      direct(`gcr.io/distroless/nodejs:latest@${DIGEST}`, 'base', null, 7, both, true),
      direct('ghcr.io/acme/certs:1', 'copy', null, 9, both),
    ];
    expect(JSON.stringify(toJson(resolution))).toBe(JSON.stringify(expected));
  });

  it('says what each image is called in the file and what the target stands on', async () => {
    const resolution = await resolveDockerfile(FILE, { target: 'TEST', onBuild: async () => [] });
    expect(resolution.images.map(({ written }) => written)).toEqual(['docker/dockerfile:1', 'node:${VERSION}']);
    expect(resolution.target).toEqual({ stage: 'test' });
    expect(resolution.baseOf).toEqual({ 'linux/amd64': 'docker.io/library/node:22' });
    expect(resolution.unknown).toEqual([]);
    expect(resolution.features).toEqual(['copy-from', 'copy-link', 'multi-stage', 'platform', 'run-mount', 'syntax']);
  });

  it('stands on scratch when nothing else is there', async () => {
    const { baseOf, images } = await resolveDockerfile('FROM scratch\nCOPY x /');
    expect({ baseOf, images }).toEqual({ baseOf: { 'linux/amd64': 'scratch' }, images: [] });
  });

  it('names the features that older engines lack', async () => {
    const file = `FROM a
RUN <<E
E
RUN --network=none --security=insecure --device=x true
COPY --parents --exclude=*.md a /
ADD --checksum=sha256:1 https://x.io/a /
ONBUILD COPY --from=b / /`;
    const { features } = await resolveDockerfile(file, { buildContexts: { a: './dir' } });
    const expected =
      'add-checksum add-remote copy-from copy-parents exclude heredoc named-context onbuild run-device run-network run-security';
    expect(features.join(' ')).toBe(expected);
  });
});
