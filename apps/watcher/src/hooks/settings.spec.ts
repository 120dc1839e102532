import { describe, expect, it } from 'vitest';
import type { Notifications } from '#libs/contracts';
import { checkNotifications, hookPathOf } from './settings.js';

const keyHash = `sha256:${'0'.repeat(64)}`;
const oidc = { issuer: 'https://accounts.google.com', audience: 'plinth', email: 'push@acme.iam.gserviceaccount.com' };
const refusal = (notifications: Notifications): unknown => {
  try {
    checkNotifications(notifications);
    return undefined;
  } catch (error) {
    return error;
  }
};

it('a registry that publishes on a NATS server alone has no path to send to, and only some can', () => {
  const nats = { server: 'nats://nats.test:4222', subject: 'zot.events' };
  expect(() => checkNotifications({ dialect: 'zot', nats })).not.toThrow();
  expect(hookPathOf('zot.test', { dialect: 'zot', nats })).toBeNull();
  expect(hookPathOf('zot.test', { dialect: 'zot', nats, secret: 'hook' })).toBe('/v1/hooks/zot/zot.test');
  expect(() => checkNotifications({ dialect: 'quay', nats })).toThrow('need notifications.keyHash');
});

describe('settings of notifications', () => {
  it('have what the sender can prove itself with', () => {
    checkNotifications(undefined);
    checkNotifications({ dialect: 'github', secret: 'hook' });
    checkNotifications({ dialect: 'dockerhub', keyHash });
    checkNotifications({ dialect: 'google', oidc });
    checkNotifications({ dialect: 'generic', oidc, secret: 'hook' });
  });

  it('are refused when nothing could ever be proven, naming the field', () => {
    expect(refusal({ dialect: 'github' })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'notifications.secret' }],
    });
    expect(refusal({ dialect: 'quay', secret: 'hook' })).toMatchObject({
      violations: [
        { field: 'notifications.secret', message: 'quay cannot use it; expected keyHash' },
        { field: 'notifications.keyHash' },
      ],
    });
    expect(refusal({ dialect: 'github', secret: 'hook', keyHash })).toMatchObject({
      violations: [{ field: 'notifications.keyHash' }],
    });
    expect(refusal({ dialect: 'google' })).toMatchObject({ violations: [{ field: 'notifications.oidc' }] });
  });

  it('give a path in which no key stands', () => {
    expect(hookPathOf('ghcr.io', { dialect: 'github', secret: 'hook' })).toBe('/v1/hooks/github/ghcr.io');
    expect(hookPathOf('quay.io', { dialect: 'quay', keyHash })).toBe('/v1/hooks/quay/quay.io/•••');
  });
});
