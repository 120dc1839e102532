import { afterAll, beforeAll, describe, it } from 'vitest';
import { runPage } from '../support/page.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

/** `plinth` with the password `secret`; bcrypt, as the registry takes no other hash. */
const login = 'plinth:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a';

describe('the tutorials', () => {
  let plinth: Plinth;
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

  /** Each reader begins with a Plinth of his own. */
  const follow = async (page: string, more: Record<string, string> = {}): Promise<void> => {
    plinth = await Plinth.start();
    try {
      await runPage(`docs/tutorials/${page}`, {
        replace: {
          'registry.example.com:5000': registry.host,
          'busybox:1.36': `${registry.host}/busybox:1.36`,
          ...more,
        },
        env: { PLINTH_SERVER: plinth.url, PLINTH_TOKEN: plinth.token },
      });
    } finally {
      await plinth.close();
    }
  };

  it('rebuilds when a base image in the same registry moves, as the page shows it', async () => {
    await follow('base-image-same-registry.md');
  });

  it('rebuilds when a base image in another registry moves, as the page shows it', async () => {
    await follow('base-image-other-registry.md', { 'base.example.com:5000': closed.host });
  });
});
