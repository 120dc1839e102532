import { describe, expect, it } from 'vitest';
import { AddressPolicy, ForbiddenAddressError } from './address-policy.js';

describe('where a registry may send us', () => {
  it.each(['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    '%s is public',
    (ip) => {
      expect(new AddressPolicy().permits(ip)).toBe(true);
    },
  );

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '[::1]',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::127.0.0.1',
    '64:ff9b::a00:1',
    '2002:7f00:1::',
    '2001:0:1::',
    'not an address',
    '',
  ])('%s is not', (ip) => {
    expect(new AddressPolicy().permits(ip)).toBe(false);
  });

  it('configured networks are added, in either spelling', () => {
    const policy = new AddressPolicy(['10.0.0.0/8', '192.168.1.5', 'fd00::/8']);
    expect(['10.9.9.9', '192.168.1.5', 'fd12::1', '::ffff:10.0.0.1'].every((ip) => policy.permits(ip))).toBe(true);
    expect(['192.168.1.6', 'fc00::1', '127.0.0.1'].some((ip) => policy.permits(ip))).toBe(false);
  });

  it('judges an address written in a URL before connecting, and leaves names to the lookup', () => {
    expect(() => new AddressPolicy().checkLiteral('[::1]')).toThrow(ForbiddenAddressError);
    expect(() => new AddressPolicy().checkLiteral('localhost')).not.toThrow();
  });

  it.each(['10.0.0.0/33', '10.0.0/8', 'example.org', '::/129', '10.0.0.0/', '10.0.0.0/-1'])(
    'refuses %j as a network',
    (cidr) => {
      expect(() => new AddressPolicy([cidr])).toThrow(RangeError);
    },
  );
});
