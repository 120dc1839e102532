import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../testing/samples.js';
import { sameSecret } from './constant-time.js';
import { HookFormatError, type HookRequest } from './dialect.js';
import { distribution } from './distribution.js';

const request = (body: unknown, headers: HookRequest['headers'] = {}): HookRequest => ({
  headers,
  body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body)),
});

/** An event as Distribution sends it (docs/content/about/notifications.md). */
const event = (target: object, action = 'push') => ({
  id: '320678d8-ca14-430f-8bb6-4ca139cd83f7',
  timestamp: '2016-03-09T14:44:26.402973972-08:00',
  action,
  target: {
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    digest: digestOf('pushed'),
    size: 708,
    length: 708,
    url: `http://192.168.100.227:5000/v2/hello-world/manifests/${digestOf('pushed')}`,
    repository: 'hello-world',
    ...target,
  },
  request: {
    id: '6df24a34-0959-4923-81ca-14f09767db19',
    addr: '192.168.64.11:42961',
    host: '192.168.100.227:5000',
    method: 'PUT',
    useragent: 'curl/7.38.0',
  },
  actor: {},
  source: { addr: 'xtal.local:5000', instanceID: 'a53db899-3b4b-4a62-a067-8dd013beaca4' },
});
const layer = event({ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' });

describe('a notification of Distribution', () => {
  it('says which tag was pushed, and its digest', () => {
    expect(distribution.parse(request({ events: [event({ tag: 'latest' })] }))).toEqual([
      {
        repository: 'hello-world',
        tag: 'latest',
        digest: digestOf('pushed'),
        id: '320678d8-ca14-430f-8bb6-4ca139cd83f7',
      },
    ]);
  });

  it('says nothing of layers, of pushes by digest, and of what only was pulled or deleted', () => {
    const events = [layer, event({}), event({ tag: 'latest' }, 'pull'), event({ tag: 'latest' }, 'delete')];
    expect(distribution.parse(request({ events }))).toEqual([]);
    expect(distribution.parse(request({ events: [] }))).toEqual([]);
  });

  it('keeps the order of many events', () => {
    const events = [layer, event({ tag: '1' }), layer, event({ tag: '2', repository: 'team/app' })];
    expect(distribution.parse(request({ events })).map(({ repository, tag }) => `${repository}:${tag}`)).toEqual([
      'hello-world:1',
      'team/app:2',
    ]);
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['JSON that breaks off', JSON.stringify({ events: [event({ tag: 'latest' })] }).slice(0, 80)],
    ['an envelope of somebody else', { push_data: { tag: 'latest' } }],
    ['a list', [event({ tag: 'latest' })]],
    ['null', 'null'],
    ['events that are no list', { events: { 0: event({ tag: 'latest' }) } }],
    ['an event without a target', { events: [{ action: 'push' }] }],
    ['a tag that is a number', { events: [event({ tag: 1 })] }],
    ['a name without end', { events: [event({ tag: 'x'.repeat(129) })] }],
    ['more events than anybody sends', { events: Array.from({ length: 10_001 }, () => layer) }],
  ])('is refused when it is %s', (_what, body) => {
    expect(() => distribution.parse(request(body))).toThrow(HookFormatError);
  });

  it('never fails in another way than by saying that it is none', () => {
    const parse = (body: Buffer): void => {
      let hints;
      try {
        hints = distribution.parse({ headers: {}, body });
      } catch (error) {
        if (!(error instanceof HookFormatError)) throw error;
        return;
      }
      for (const { repository, tag } of hints) {
        if (typeof repository !== 'string' || typeof tag !== 'string') throw new Error('no hint');
      }
    };
    const json = (value: unknown) =>
      JSON.stringify(value, (_key, field: unknown) => (typeof field === 'bigint' ? String(field) : field));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => parse(Buffer.from(bytes))));
    fc.assert(fc.property(fc.json(), (text) => parse(Buffer.from(text))));
    const anything = fc.oneof(fc.constant('push'), fc.anything());
    const target = fc.record({ repository: anything, tag: anything, digest: anything }, { requiredKeys: [] });
    const shaped = fc.record({ events: fc.array(fc.record({ action: anything, target })) });
    fc.assert(fc.property(shaped, (body) => parse(Buffer.from(json(body)))));
  });
});

describe('two secrets', () => {
  it('are the same when their texts are, whatever their lengths', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => sameSecret(a, b) === (a === b)));
    fc.assert(fc.property(fc.string(), (a) => sameSecret(a, a)));
  });
});
