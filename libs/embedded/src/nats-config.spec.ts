import { describe, expect, it } from 'vitest';
import { natsConfig } from './nats-config.js';

const config = natsConfig({
  port: 4222,
  storeDir: '/data with "quotes"/store',
  pidFile: '/data/nats.pid',
  user: 'plinth',
  password: 'p{$a}"ss\\word # not a comment',
  maxFileStore: 1024 ** 3,
});

describe('the configuration of the embedded nats-server', () => {
  it('keeps what it acknowledged through a power failure, and takes no more disk than it may', () => {
    expect(config).toContain('  sync_interval: always\n');
    expect(config).toContain('  max_file_store: 1073741824\n');
    expect(config).toMatch(/max_memory_store: \d+\n/);
  });

  it('listens on loopback alone, and takes nobody without the password', () => {
    expect(config).toContain('listen: "127.0.0.1:4222"\n');
    expect(config).toMatch(/^authorization \{ user: "plinth", password: /m);
  });

  it('quotes what may have any character', () => {
    expect(config).toContain(String.raw`store_dir: "/data with \"quotes\"/store"`);
    expect(config).toContain(String.raw`password: "p{$a}\"ss\\word # not a comment"`);
  });
});
