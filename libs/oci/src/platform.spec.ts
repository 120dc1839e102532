import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatPlatform,
  InvalidPlatformError,
  matchPlatform,
  normalizePlatform,
  parsePlatform,
  platformKey,
  type Platform,
} from './platform.js';

describe('parsePlatform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['Linux/X86-64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm64/v9', 'linux/arm64/v9'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/7', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/i386', 'linux/386'],
    ['macos/arm64', 'darwin/arm64'],
    ['arm64', 'linux/arm64'],
    ['s390x', 'linux/s390x'],
    ['windows(10.0.20348.2113)/amd64', 'windows(10.0.20348.2113)/amd64'],
    ['linux(6.1)/amd64', 'linux/amd64'],
  ])('reads %s as %s', (text, key) => {
    expect(formatPlatform(parsePlatform(text))).toBe(key);
  });

  it.each(['', '/', 'linux', 'toaster', 'linux/', '/amd64', 'linux/arm/v7/x', 'linux/a b', 'linux/arm/', 'win(/amd64'])(
    'refuses %j',
    (text) => {
      expect(() => parsePlatform(text)).toThrow(InvalidPlatformError);
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'INVALID_PLATFORM', text }));
    },
  );

  it('reads a system alone where it is told which architecture that means', () => {
    expect(formatPlatform(parsePlatform('macos', 'aarch64'))).toBe('darwin/arm64');
    expect(() => parsePlatform('toaster', 'arm64')).toThrow(InvalidPlatformError);
  });

  const word = fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/);
  const platforms: fc.Arbitrary<Platform> = fc.record(
    {
      os: fc.oneof(fc.constantFrom('linux', 'windows', 'macOS'), word),
      architecture: fc.oneof(fc.constantFrom('amd64', 'x86_64', 'arm', 'arm64', 'aarch64', 'i386'), word),
      variant: fc.oneof(fc.constantFrom('v1', '7', 'v8', '9.0'), word),
      osVersion: word,
    },
    { requiredKeys: ['os', 'architecture'] },
  );

  it('normalizing twice is normalizing once, and a key reads back to itself', () => {
    fc.assert(
      fc.property(platforms, (platform) => {
        const once = normalizePlatform(platform);
        expect(normalizePlatform(once)).toEqual(once);
        expect(parsePlatform(platformKey(platform))).toEqual(once);
      }),
    );
  });
});

describe('matchPlatform', () => {
  it.each([
    ['linux/amd64', ['linux/386', 'linux/amd64'], 'linux/amd64'],
    ['linux/amd64', ['linux/386', 'linux/arm64'], undefined],
    ['linux/arm64', ['linux/arm/v7'], undefined],
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
    ['linux/arm/v6', ['linux/arm/v7'], undefined],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v4', 'linux/amd64/v2'], 'linux/amd64/v2'],
    ['linux/amd64', ['linux/amd64/v2'], undefined],
    ['linux/riscv64', ['linux/riscv64/odd'], undefined],
    ['windows/amd64', ['windows(10.0.17763.1)/amd64', 'windows(10.0.20348.9)/amd64'], 'windows(10.0.20348.9)/amd64'],
    [
      'windows(10.0.17763.1)/amd64',
      ['windows(10.0.17763.20)/amd64', 'windows(10.0.17763.3)/amd64', 'windows(10.0.20348.9)/amd64'],
      'windows(10.0.17763.20)/amd64',
    ],
    ['windows(10.0.17763.1)/amd64', ['windows(10.0.20348.9)/amd64', 'windows/amd64'], undefined],
  ])('for %s among %j takes %s', (wanted, offered, taken) => {
    expect(matchPlatform(parsePlatform(wanted), offered)).toBe(taken);
  });
});
