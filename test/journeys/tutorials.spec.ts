import { afterAll, beforeAll, describe, it } from 'vitest';
import { RegistryClient } from '#libs/oci';
import { tempDir } from '#libs/testing';
import { ImageMaker, standsOn } from '../../libs/lineage/src/testing/images.js';
import { runPage } from '../support/page.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

/** `plinth` with the password `secret`; bcrypt, as the registry takes no other hash. */
const login = 'plinth:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a';

/** The images that docs/why.md asks about: a chain of three whose middle moved, and one that says nothing of itself. */
const pushExamples = async (host: string): Promise<void> => {
  const client = new RegistryClient({ hosts: [{ registry: host, scheme: 'http' }] });
  try {
    const make = new ImageMaker(client, host);
    const debian = await make.image('debian:13', { layers: ['debian'] });
    const node = (text: string, created: string) =>
      make.image('node:22', {
        layers: ['debian', text],
        created,
        annotations: standsOn(`${host}/debian:13`, debian.digest),
      });
    const { digest } = await node('node', '2026-09-28T21:40:00Z');
    await make.image('shop:1', {
      layers: ['debian', 'node', 'shop'],
      created: '2026-10-02T08:15:00Z',
      annotations: standsOn(`${host}/node:22`, digest),
    });
    await node('node, mended', '2026-11-18T03:12:00Z');
    await make.image('plain:1', { layers: ['debian', 'node, mended', 'plain'] });
  } finally {
    await client.close();
  }
};

describe('the pages for beginners', () => {
  let registry: JourneyRegistry;
  let closed: JourneyRegistry;

  beforeAll(async () => {
    [registry, closed] = await Promise.all([startRegistry(), startRegistry({ htpasswd: login })]);
    await registry.push('busybox', '1.36', 'a public image');
  });
  afterAll(async () => {
    await registry?.close();
    await closed?.close();
  });

  /** Follows pages one after the other on a Plinth of their own. */
  const follow = async (pages: readonly string[]): Promise<void> => {
    const plinth = await Plinth.start();
    try {
      for (const page of pages) {
        await runPage(`docs/${page}`, {
          replace: {
            'registry.example.com:5000': registry.host,
            'base.example.com:5000': closed.host,
            'busybox:1.36': `${registry.host}/busybox:1.36`,
          },
          env: { PLINTH_SERVER: plinth.url, PLINTH_TOKEN: plinth.token },
        });
      }
    } finally {
      await plinth.close();
    }
  };

  it('answer why, from a registry alone', async () => {
    await pushExamples(registry.host);
    await using nothing = await tempDir('nothing');
    await runPage('docs/why.md', {
      replace: { 'registry.example.com:5000': registry.host },
      env: { PLINTH_DATA: nothing.path, DOCKER_CONFIG: nothing.path },
    });
  });

  it('lead to a first task, and to its rebuild when a base image in the same registry moves', async () => {
    await follow(['first-task.md', 'tutorials/base-image-same-registry.md']);
  });

  it('lead to a rebuild when a base image in another registry moves', async () => {
    await follow(['tutorials/base-image-other-registry.md']);
  });
});
