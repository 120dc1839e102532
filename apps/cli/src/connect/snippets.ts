import type { Sending } from './connector.js';

/** Registries whose notifications are set up by hand: what to put where. */
export const printable = ['distribution', 'zot', 'dockerhub'] as const;
export type Printable = (typeof printable)[number];

const distribution = ({ url, secret }: Sending): string =>
  [
    '# In the config.yml of the registry; then restart it.',
    'notifications:',
    '  endpoints:',
    '    - name: plinth',
    `      url: ${url}`,
    '      headers:',
    `        Authorization: [Bearer ${secret}]`,
    '      timeout: 2s',
    '      threshold: 3',
    '      backoff: 1s',
  ].join('\n');

const zot = ({ url, secret }: Sending): string => {
  const headers = { Authorization: `Bearer ${secret}` };
  const sink = { type: 'http', address: url, timeout: '2s', headers };
  return JSON.stringify({ extensions: { events: { enable: true, sinks: [sink] } } }, undefined, 2);
};

const dockerhub = ({ url }: Sending): string =>
  ['In each repository on hub.docker.com: Webhooks, a name such as plinth, and this address.', url].join('\n');

/** What to set up at the registry, to be copied as it is. */
export const snippets: Readonly<Record<Printable, (sending: Sending) => string>> = { distribution, zot, dockerhub };
