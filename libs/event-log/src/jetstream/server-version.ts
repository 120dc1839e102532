import { LogError } from '../errors.js';

/** Oldest server that is safe: before 2.10.23 a crash could lose a stream; 2.10.27 is what Debian 13 has. */
export const oldestServer = '2.10.27';

const numbers = (version: string): number[] => {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version);
  return match ? match.slice(1, 4).map(Number) : [0, 0, 0];
};

export const isOlder = (version: string, than: string): boolean => {
  const a = numbers(version);
  const b = numbers(than);
  for (let i = 0; i < 3; i++) {
    if (a[i] !== b[i]) return (a[i] ?? 0) < (b[i] ?? 0);
  }
  return false;
};

/** @throws LogError SERVER_TOO_OLD */
export const requireServer = (version: string, address: string): void => {
  if (!isOlder(version, oldestServer)) return;
  throw new LogError(
    'SERVER_TOO_OLD',
    `nats-server at ${address} is ${version}; Plinth needs ${oldestServer} or newer, because older ones can lose ` +
      'acknowledged events in a crash. Upgrade it (for a local one: node scripts/tools.mjs).',
  );
};
