import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { routes } from '#libs/contracts/light';
import { repositoryRoot } from '#libs/testing';

const read = (name: string): string => readFileSync(join(repositoryRoot, 'deploy', name), 'utf8');

interface Service {
  readonly read_only?: boolean;
  readonly user?: string;
  readonly cap_drop?: readonly string[];
  readonly ports?: readonly string[];
}

describe('deploy/', () => {
  it('sends each path of the API to the service that serves it', () => {
    const file = read('Caddyfile');
    const matchers = [...file.matchAll(/^\t@(\w+) path (.+)$/gm)].map(([, name, paths = '']) => ({
      name,
      matches: (path: string) =>
        paths.split(' ').some((one) => (one.endsWith('*') ? path.startsWith(one.slice(0, -1)) : path === one)),
    }));
    for (const { path, service, name } of routes) {
      const targets = matchers.filter(({ matches }) => matches(path.replaceAll(/\{[^}]+\}/g, 'x')));
      expect([name, targets.map((target) => target.name)]).toEqual([
        name,
        ['every', 'graph'].includes(service) ? [] : [service],
      ]);
    }
    expect(file).toMatch(/handle \{\n\t\treverse_proxy \{\$PLINTH_GRAPH/);
  });

  it('gives no service root, capabilities or a root file system to write to, and publishes on loopback alone', () => {
    const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service> };
    for (const [name, { read_only, cap_drop, user, ports = [] }] of Object.entries(services)) {
      expect([name, read_only, cap_drop]).toEqual([name, true, ['ALL']]);
      if (!['nats', 'front'].includes(name)) expect([name, user]).toEqual([name, '10001:10001']);
      for (const port of ports) expect(port).toContain(':-127.0.0.1:');
    }
  });

  it('names in env.example every variable that the compose files demand', () => {
    const files = ['compose.yaml', 'compose.socket.yaml', 'compose.remote.yaml'].map(read).join('\n');
    const demanded = new Set([...files.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name));
    const named = new Set([...read('env.example').matchAll(/^#?(\w+)=/gm)].map(([, name]) => name));
    expect([...demanded].filter((name) => !named.has(name))).toEqual([]);
    expect(demanded.size).toBeGreaterThan(3);
  });
});
