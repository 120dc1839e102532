import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDecider } from '#libs/domain';
import { Jet, type RecordedEvent } from '#libs/event-log';
import { startNats, tempDir, type NatsServer, type TempDir } from '#libs/testing';
import { startRegistry, type TestRegistry } from './engines/testing/registry.js';
import { useUnpackedTools } from './engines/testing/tools.js';
import { definitionOf, queuedRun } from './testing/bench.js';
import { runBuilder } from './testing/builder-process.js';
import { Journal, faultsIn, movesOf, type Moment } from './testing/journal.js';

const sha256 = (body: string) => `sha256:${createHash('sha256').update(body, 'latin1').digest('hex')}`;

interface Death {
  readonly when: string;
  readonly moment: Moment;
  readonly method: string;
  readonly path: RegExp;
}

const deaths: readonly Death[] = [
  { when: 'before it is asked for a blob', moment: 'asked', method: 'HEAD', path: /\/blobs\// },
  { when: 'once it has opened an upload', moment: 'answered', method: 'POST', path: /\/blobs\/uploads\// },
  { when: 'before it gets a blob', moment: 'asked', method: 'PUT', path: /\/blobs\/uploads\// },
  { when: 'once it has a blob', moment: 'answered', method: 'PUT', path: /\/blobs\/uploads\// },
  { when: 'before it gets the manifest', moment: 'asked', method: 'PUT', path: /\/manifests\/sha256:/ },
  { when: 'once it has the manifest', moment: 'answered', method: 'PUT', path: /\/manifests\/sha256:/ },
  // A registry without the referrers API has a tag for what is attached.
  { when: 'before it gets the provenance', moment: 'asked', method: 'PUT', path: /\/manifests\/sha256-/ },
  { when: 'once it has the provenance', moment: 'answered', method: 'PUT', path: /\/manifests\/sha256-/ },
  { when: 'before the first tag moves', moment: 'asked', method: 'PUT', path: /\/manifests\/one$/ },
  { when: 'once the first tag has moved', moment: 'answered', method: 'PUT', path: /\/manifests\/one$/ },
  { when: 'before the last tag moves', moment: 'asked', method: 'PUT', path: /\/manifests\/two$/ },
  { when: 'once the last tag has moved', moment: 'answered', method: 'PUT', path: /\/manifests\/two$/ },
];

describe('a registry that is killed while a run is published', () => {
  let dir: TempDir;
  let nats: NatsServer;
  let registry: TestRegistry;
  let journal: Journal;
  let jet: Jet;
  let stop: () => Promise<void>;
  let death: Death | undefined;

  beforeAll(async () => {
    useUnpackedTools();
    dir = await tempDir('registry-killed');
    [nats, registry] = await Promise.all([startNats(), startRegistry()]);
    journal = await Journal.start({
      upstream: registry.host,
      at: async (moment, method, path) => {
        if (!death || moment !== death.moment || method !== death.method || !death.path.test(path)) return false;
        death = undefined;
        await registry.kill();
        // Whoever asks meanwhile finds nobody; who asked this gets no answer.
        void registry.startAgain();
        return true;
      },
    });
    jet = await Jet.connect({ servers: nats.url, name: 'test' });
    await jet.provision();
    stop = await runBuilder({
      nats: nats.url,
      registry: journal.host,
      builderId: 'builder',
      dir: join(dir.path, 'builder'),
      ackWaitMs: 30_000,
    });
  });
  afterAll(async () => {
    await stop();
    await jet.close();
    await journal[Symbol.asyncDispose]();
    await registry.stop();
    await nats.stop();
    await dir.remove();
  });

  const dispatch = async (run: string, sequence: number, attempt: number): Promise<void> => {
    await jet.events.append({ kind: 'run', id: run }, sequence, [
      { type: 'run.dispatched', id: `${run}.dispatched.${attempt}`, data: { run, attempt, pool: 'default' } },
    ]);
    await jet.dispatch.send('default', { run, attempt });
  };

  const queue = async (run: string, imageNames: string[]): Promise<void> => {
    const queued = queuedRun(run, definitionOf({ imageNames }), { task: run });
    const { sequence } = await jet.events.append({ kind: 'run', id: run }, 0, [
      { type: 'run.queued', id: `${run}.queued`, data: queued },
    ]);
    await dispatch(run, sequence, 1);
  };

  /** As the scheduler does, a run that ended with an error of ours is dispatched once more. */
  const untilSucceeded = async (run: string): Promise<RecordedEvent[]> => {
    const found: RecordedEvent[] = [];
    for await (const { events } of jet.events.read({ after: 0, signal: AbortSignal.timeout(55_000) })) {
      for (const event of events) {
        if (event.aggregate.kind !== 'run' || event.aggregate.id !== run) continue;
        found.push(event);
        if (event.type === 'run.succeeded') return found;
        if (event.type === 'run.errored') await dispatch(run, event.sequence, event.data.attempt + 1);
      }
    }
    throw new Error(`Run ${run} did not succeed; it has ${found.map(({ type }) => type).join(', ')}.`);
  };

  it.each(deaths)('$when, is published all the same: every image whole before a tag names it', async (one) => {
    const run = one.when.replaceAll(' ', '-');
    const names = ['one', 'two'].map((tag) => `${journal.host}/team/${run}:${tag}`);
    journal.entries.length = 0;
    death = one;
    await queue(run, names);
    const events = await untilSucceeded(run);
    expect(death, 'the registry was never killed').toBeUndefined();

    const state = events.reduce((before, event) => runDecider.evolve(before, event as never), runDecider.initialState);
    expect(state.phase).toBe('Ended');
    const built = events.filter(({ type }) => type === 'run.built');
    expect(built).toHaveLength(1);
    const [digest] = built
      .flatMap((event) => (event.type === 'run.built' ? event.data.outputs : []))
      .map((output) => output.digest);

    expect(faultsIn(journal.entries)).toEqual([]);
    const moves = movesOf(journal.entries, sha256);
    const provenance = `team/${run}:${digest?.replace(':', '-')}`;
    expect(moves.delete(provenance), 'nothing was attached').toBe(true);
    expect([...moves.keys()].sort()).toEqual([`team/${run}:one`, `team/${run}:two`]);
    // However often one is put, it is never put on anything else.
    for (const put of moves.values()) expect(new Set(put)).toEqual(new Set([digest]));
    for (const tag of ['one', 'two']) {
      const answer = await fetch(`http://${registry.host}/v2/team/${run}/manifests/${tag}`, {
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      });
      const body = await answer.text();
      expect(sha256(Buffer.from(body).toString('latin1'))).toBe(digest);
      const { config, layers } = JSON.parse(body) as { config: { digest: string }; layers: { digest: string }[] };
      for (const part of [config, ...layers]) {
        const blob = await fetch(`http://${registry.host}/v2/team/${run}/blobs/${part.digest}`, { method: 'HEAD' });
        expect(blob.status).toBe(200);
      }
    }
  });

  it('would be found out by its journal', () => {
    const manifest = JSON.stringify({ config: { digest: 'sha256:c' }, layers: [{ digest: 'sha256:l' }] });
    const put = { method: 'PUT', path: '/v2/a/manifests/sha256:m', status: 201, body: manifest };
    const config = { method: 'PUT', path: '/v2/a/blobs/uploads/1?digest=sha256%3Ac', status: 201, body: '' };
    const lost = { method: 'PUT', path: '/v2/a/blobs/uploads/1?digest=sha256%3Al', status: 0, body: '' };
    expect(faultsIn([config, lost, put])).toEqual(['/v2/a/manifests/sha256:m names sha256:l, which is not there yet']);
    expect(faultsIn([config, { ...lost, status: 201 }, put])).toEqual([]);
  });
});
