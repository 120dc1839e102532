import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { snippets } from './snippets.js';

const sending = { url: 'https://plinth.test/v1/hooks/x/registry.test:5000', secret: 'a1b2' };

describe('what is to be set up at a registry', () => {
  it('is YAML for Distribution', () => {
    expect(parse(snippets.distribution(sending))).toEqual({
      notifications: {
        endpoints: [
          {
            name: 'plinth',
            url: sending.url,
            headers: { Authorization: ['Bearer a1b2'] },
            timeout: '2s',
            threshold: 3,
            backoff: '1s',
          },
        ],
      },
    });
  });

  it('is JSON for zot', () => {
    expect(JSON.parse(snippets.zot(sending))).toMatchObject({
      extensions: {
        events: {
          enable: true,
          sinks: [{ type: 'http', address: sending.url, headers: { Authorization: 'Bearer a1b2' } }],
        },
      },
    });
  });

  it('is an address for Docker Hub, which has the key in it and needs no secret', () => {
    const text = snippets.dockerhub({ url: 'https://plinth.test/v1/hooks/dockerhub/docker.io/key', secret: 'a1b2' });
    expect(text.split('\n').at(-1)).toBe('https://plinth.test/v1/hooks/dockerhub/docker.io/key');
    expect(text).not.toContain('a1b2');
  });
});
