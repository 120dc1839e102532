import { randomFrom } from '../history/world.js';

const bases = [
  'node:22',
  'node:22-slim',
  'python:3.13',
  'golang:1.25',
  'debian:13-slim',
  'alpine:3.22',
  'ubuntu:24.04',
];
const packages = ['curl', 'ca-certificates', 'git', 'tini', 'jq', 'openssl', 'libpq5', 'make', 'gcc', 'unzip'];

/** Dockerfiles as services have them: arguments, one to four stages, copies between them, heredocs and mounts. */
export const makeDockerfiles = (count: number, seed = 7): string[] => {
  const random = randomFrom(seed);
  const int = (below: number): number => Math.floor(random() * below);
  const pick = <T>(list: readonly T[]): T => list[int(list.length)]!;
  const install = (): string =>
    `RUN apt-get update \\\n    && apt-get install -y --no-install-recommends \\\n${Array.from({ length: 1 + int(5) }, () => `      ${pick(packages)} \\\n`).join('')}    && rm -rf /var/lib/apt/lists/*`;
  const stage = (at: number, last: boolean, number: number): string[] => {
    const lines: string[] = [];
    const from = at > 0 && random() < 0.3 ? `stage${int(at)}` : at === 0 ? '${REGISTRY}/${BASE}' : pick(bases);
    lines.push(
      `FROM ${random() < 0.2 ? '--platform=$BUILDPLATFORM ' : ''}${from} AS stage${at}`,
      'ARG VERSION',
      'WORKDIR /app',
    );
    lines.push(`LABEL org.opencontainers.image.title="service-${number}" org.opencontainers.image.version=$VERSION`);
    if (random() < 0.6) lines.push(install());
    if (random() < 0.4)
      lines.push(
        'RUN --mount=type=cache,target=/root/.cache --mount=type=bind,source=.,target=/src make -C /src build',
      );
    if (random() < 0.3)
      lines.push("RUN <<'EOF'\nset -eu\nFROM=not-an-instruction\nmkdir -p /etc/app\necho ready > /etc/app/state\nEOF");
    lines.push('ENV NODE_ENV=production PORT=8080', 'COPY --chown=1000:1000 package*.json ./', 'COPY . .');
    if (at > 0) lines.push(`COPY --from=stage${int(at)} /app/out /app/out`);
    if (random() < 0.2) lines.push(`COPY --from=${pick(bases)} /usr/local/bin /usr/local/bin`);
    if (last)
      lines.push(
        'EXPOSE 8080',
        'USER 1000:1000',
        'HEALTHCHECK CMD ["/app/health"]',
        'ENTRYPOINT ["/app/start"]',
        'CMD ["--serve"]',
      );
    return lines;
  };
  return Array.from({ length: count }, (_, number) => {
    const stages = 1 + int(4);
    return [
      ...(random() < 0.5 ? ['# syntax=docker/dockerfile:1'] : []),
      `# Service ${number}`,
      'ARG REGISTRY=docker.io/library',
      `ARG BASE=${pick(bases)}`,
      ...Array.from({ length: stages }, (_stage, at) => ['', ...stage(at, at === stages - 1, number)]).flat(),
      '',
    ].join('\n');
  });
};
