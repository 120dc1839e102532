import { describe, expect, it } from 'vitest';
import { registriesConf, signaturePolicy, spellings } from './job-files.js';

const digest = `sha256:${'b'.repeat(64)}`;

describe('the files of a Buildah job', () => {
  it('name a reference in every way that a Dockerfile may write it', () => {
    expect(spellings('docker.io/library/node:latest')).toEqual(
      expect.arrayContaining([
        'node',
        'node:latest',
        'library/node',
        'docker.io/node',
        'docker.io/library/node:latest',
      ]),
    );
    expect(spellings('example.com/app:1')).toEqual(['example.com/app:1']);
  });

  it('let in pinned digests only', () => {
    const policy = JSON.parse(
      signaturePolicy({ pins: [{ reference: 'docker.io/library/node:22', digest }], registries: [] }),
    ) as {
      default: object;
      transports: { docker: object };
    };
    expect(policy.default).toEqual([{ type: 'reject' }]);
    expect(Object.keys(policy.transports.docker)).toEqual([`docker.io/library/node@${digest}`]);
  });

  it('allow plain HTTP where it was asked for, and nowhere else', () => {
    const conf = registriesConf([
      { registry: '127.0.0.1:5000', scheme: 'http' },
      { registry: 'example.com', scheme: 'https' },
    ]);
    expect(conf).toContain('location = "127.0.0.1:5000"\ninsecure = true');
    expect(conf).not.toContain('example.com');
  });
});
