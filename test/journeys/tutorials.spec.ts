import { afterAll, beforeAll, describe, it } from 'vitest';
import { runPage } from '../support/page.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

/** `plinth` with the password `secret`; bcrypt, as the registry takes no other hash. */
const login = 'plinth:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a';

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

  it('lead to a first task, and to its rebuild when a base image in the same registry moves', async () => {
    await follow(['first-task.md', 'tutorials/base-image-same-registry.md']);
  });

  it('lead to a rebuild when a base image in another registry moves', async () => {
    await follow(['tutorials/base-image-other-registry.md']);
  });
});
