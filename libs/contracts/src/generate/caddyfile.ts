import type { Operation } from '../operation.js';

type Route = Pick<Operation, 'service' | 'path'>;

/** Paths that are no operations: registries send their notifications there. */
const plain: readonly Route[] = [{ service: 'watcher', path: '/v1/hooks/{dialect}/{registry}' }];

/** `/v1/tasks/{name}/runs` as Caddy's `/v1/tasks/*`: each path begins with the noun of one service. */
const patternOf = (path: string): string => (path.includes('{') ? `${path.slice(0, path.indexOf('{'))}*` : path);

const patternsOf = (service: string, routes: readonly Route[]): string[] => {
  const all = routes.filter((route) => route.service === service).map(({ path }) => patternOf(path));
  const prefixes = all.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  const covered = (pattern: string): boolean =>
    prefixes.some((prefix) => pattern !== `${prefix}*` && pattern.startsWith(prefix));
  return [...new Set(all)].filter((pattern) => !covered(pattern)).sort();
};

/** One of the services answers what all of them serve, and what there is not. */
const rest = 'graph';

/** The configuration of a front that makes one address of the services: each path goes to the one that serves it. */
export const caddyfile = (operations: readonly Route[]): string => {
  const routes = [...operations, ...plain];
  const services = [...new Set(routes.map(({ service }) => service))].filter((one) => one !== 'every' && one !== rest);
  const target = (service: string): string => `{$PLINTH_${service.toUpperCase()}:"${service}:7460"}`;
  return [
    '# Generated from the table of operations by `npm run generate`.',
    '#',
    '# One address for the services, with TLS when PLINTH_SITE is a host name that reaches this machine.',
    '{$PLINTH_SITE:":7460"} {',
    ...services
      .sort()
      .flatMap((service) => [
        `\t@${service} path ${patternsOf(service, routes).join(' ')}`,
        `\thandle @${service} {`,
        `\t\treverse_proxy ${target(service)}`,
        '\t}',
        '',
      ]),
    '\t# Metrics need no token: they are for those who can reach the services themselves.',
    '\thandle /metrics {',
    '\t\trespond 404',
    '\t}',
    '',
    '\thandle {',
    `\t\treverse_proxy ${target(rest)}`,
    '\t}',
    '}',
    '',
  ].join('\n');
};
