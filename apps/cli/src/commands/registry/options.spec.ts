import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addRegistryOptions, registryParts, type RegistryOptions } from './options.js';

const keyHash = `sha256:${'0'.repeat(64)}`;
const parts = (...line: string[]) => {
  const command = addRegistryOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return registryParts(command.parse(line, { from: 'user' }).opts<RegistryOptions>());
};

describe('the options of a registry', () => {
  it('say how its notifications are known as genuine', () => {
    expect(parts('--notifications', 'GitHub', '--notification-secret', 'hook')).toEqual({
      notifications: { dialect: 'github', secret: 'hook' },
    });
    expect(parts('--notifications', 'quay', '--notification-key-hash', keyHash)).toEqual({
      notifications: { dialect: 'quay', keyHash },
    });
    const google = ['--notification-audience', 'plinth', '--notification-account', 'push@acme.test'];
    expect(parts('--notifications', 'google', ...google)).toEqual({
      notifications: { dialect: 'google', oidc: { audience: 'plinth', email: 'push@acme.test' } },
    });
  });

  it('say how names are rewritten, in their order', () => {
    const rewrites = ['--notification-rewrite', 'docker-local/=docker/', '--notification-rewrite', 'old/='];
    expect(parts('--notifications', 'artifactory', '--notification-secret', 'hook', ...rewrites)).toEqual({
      notifications: {
        dialect: 'artifactory',
        secret: 'hook',
        rewrites: [
          { from: 'docker-local/', to: 'docker/' },
          { from: 'old/', to: '' },
        ],
      },
    });
  });

  it('say where they are published, when that is on a NATS server', () => {
    const nats = ['--notification-nats', 'tls://nats.test:4222', '--notification-subject', 'zot.events'];
    const login = ['--notification-nats-username', 'plinth', '--notification-nats-password', 'env:PASSWORD'];
    expect(parts('--notifications', 'zot', ...nats, ...login, '--notification-nats-ca', 'nats-ca')).toEqual({
      notifications: {
        dialect: 'zot',
        nats: {
          server: 'tls://nats.test:4222',
          subject: 'zot.events',
          login: { username: 'plinth', password: 'env:PASSWORD' },
          ca: 'nats-ca',
        },
      },
    });
  });

  it('name the certificate to show, and networks that are not public', () => {
    const shown = ['--client-certificate', 'shown', '--client-key', 'env:KEY'];
    expect(parts(...shown, '--allow-address', '10.20.0.0/16', '--allow-address', 'fd00::/8')).toEqual({
      clientCertificate: { certificate: 'shown', key: 'env:KEY' },
      addressPolicy: ['10.20.0.0/16', 'fd00::/8'],
    });
  });

  it.each([
    [['--poll', '900'], { intervalSeconds: 900 }],
    [['--poll', '15m'], { intervalSeconds: 900 }],
    [['--poll', '10m-60m'], { randomSeconds: { from: 600, to: 3600 } }],
    [['--poll', '2.5/s', '--poll-concurrency', '1'], { requestsPerSecond: 2.5, concurrency: 1 }],
  ])('say how it is polled: %j', (line, poll) => {
    expect(parts(...line)).toEqual({ poll });
  });

  it.each([
    [['--client-certificate', 'shown'], /belong together/],
    [['--notifications', 'zot', '--notification-nats', 'nats://nats.test:4222'], /belong together/],
    [['--poll', 'often'], /expected a time such as/],
    [['--poll', '60m-10m'], /the shorter time first/],
    [['--poll-concurrency', '0'], /expected a whole number/],
    [['--allow-address', '10.20.0.0'], /expected a network such as/],
    [['--notifications', 'github'], /needs something by which they are known as genuine/],
    [['--notification-secret', 'hook'], /belong to --notifications/],
    [['--notification-rewrite', 'a=b'], /belong to --notifications/],
    [['--notifications', 'google', '--notification-audience', 'plinth'], /belong together/],
    [['--notifications', 'pigeon', '--notification-secret', 'hook'], /expected one of distribution, acr/],
    [['--notification-key-hash', 'the-key-itself'], /expected sha256:/],
    [['--notification-rewrite', '=x'], /expected FROM=TO/],
  ])('are refused when they are %j', (line, words) => {
    expect(() => parts(...line)).toThrow(words);
  });
});
