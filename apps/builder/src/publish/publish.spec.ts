import { describe, expect, it } from 'vitest';
import { app, bench, definitionOf, node } from '../testing/bench.js';
import { Delivery } from '../testing/doubles.js';

describe('publishing', () => {
  it('pushes by digest, writes that down, moves the tags, and only then is done', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    const imageNames = [app, 'registry.test/team/app:stable'];
    await b.queue('r1', { definition: definitionOf({ imageNames }) });
    const seen: string[] = [];
    b.atPoint = (name) => {
      const puts = b.registry.writes.filter((write) => write.startsWith('put')).length;
      const pushes = b.registry.writes.length - puts;
      seen.push(`${name}: ${b.state('r1').phase}, ${pushes} pushed, ${puts} tags`);
    };
    await b.deliver('r1');
    expect(seen).toEqual([
      'builder.digest: Started, 1 pushed, 0 tags',
      'builder.pushed: Started, 1 pushed, 0 tags',
      'builder.built: Built, 1 pushed, 0 tags',
      'builder.put: Built, 1 pushed, 0 tags',
      'builder.tag: Built, 1 pushed, 1 tags',
      'builder.put: Built, 1 pushed, 1 tags',
      'builder.tagged: Built, 1 pushed, 2 tags',
    ]);
  });

  it('leaves its tags to a later run of the task that has started', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    const other = await b.another('b2');
    await b.queue('r1');
    await b.queue('r2');
    // The first is cut off from the log between its pushes and its tags; the second one overtakes it.
    let overtaken = false;
    const manifest = b.registry.manifest.bind(b.registry);
    b.registry.manifest = async (reference) => {
      if (!overtaken && b.state('r1').phase === 'Built') {
        overtaken = true;
        b.registry.image(node, 'newer base');
        await other.dispatch.deliver(new Delivery('r2', 1));
        await b.settle();
      }
      return manifest(reference);
    };
    const delivery = await b.deliver('r1');
    const { outputs } = await b.last('r2', 'run.succeeded');
    expect(b.registry.tags.get(app)).toBe(outputs[0]?.digest);
    expect(await b.last('r1', 'run.canceled')).toMatchObject({ reason: 'Superseded' });
    expect(delivery.settled).toBe('ack');
  });
});

describe('putting an image back', () => {
  const offer = (snapshot: { digest: string; platforms: Record<string, string> }) => ({
    offer: 1,
    sourceRevision: 'c0ffee',
    pins: [{ reference: node, digest: snapshot.digest, platforms: snapshot.platforms }],
  });

  it('costs no build when a base was reverted', async () => {
    await using b = await bench();
    const [good, bad] = ['good', 'bad'].map((content) => b.registry.image(node, content));
    if (!good || !bad) throw new Error('two images');
    for (const [i, base] of [good, bad, good].entries()) {
      await b.adopt(node, base);
      await b.queue(`r${i}`, offer(base));
      await b.deliver(`r${i}`);
    }
    expect(b.engine.requests).toHaveLength(2);
    const [first, last] = [await b.last('r0', 'run.succeeded'), await b.last('r2', 'run.succeeded')];
    expect(last.outputs).toEqual(first.outputs);
    expect(last.inputs).toEqual(first.inputs);
    expect(b.registry.tags.get(app)).toBe(first.outputs[0]?.digest);
    expect(b.logs.text).toContain('is put back, without a build');
  });

  it('is not done when the image is gone, is too old, or was made with a secret of unknown version', async () => {
    for (const spoil of ['gone', 'old', 'secret'] as const) {
      await using b = await bench({ reuseForMs: 60_000 });
      b.secrets.set('npm', 'hunter2hunter2');
      const definition = definitionOf(
        spoil === 'secret' ? { arguments: [{ name: 'TOKEN', isSecret: true, secretRef: 'npm' }] } : {},
      );
      const base = b.registry.image(node, 'base');
      await b.adopt(node, base);
      await b.queue('r1', { ...offer(base), definition });
      await b.deliver('r1');
      if (spoil === 'gone') b.registry.forget(`registry.test/team/app@${b.registry.tags.get(app)}`);
      if (spoil === 'old') await b.clock.advance(61_000);
      await b.queue('r2', { ...offer(base), definition });
      await b.deliver('r2');
      expect(b.engine.requests).toHaveLength(2);
    }
  });

  it('is not done for a person who asks for a build', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    for (const run of ['r1', 'r2']) {
      await b.queue(run, { sourceRevision: 'c0ffee' });
      await b.deliver(run);
    }
    expect(b.engine.requests).toHaveLength(2);
  });
});
