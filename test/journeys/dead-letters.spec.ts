import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatchSubject } from '#libs/contracts';
import { SupervisedNats } from '#libs/embedded';
import { Jet } from '#libs/event-log';
import { Plinth } from '../support/plinth.js';
import { cliOf } from '../support/run-cli.js';

describe('what cannot be processed', () => {
  let plinth: Plinth;
  let jet: Jet;
  const cli = (...args: string[]) => cliOf(plinth)(args);
  const letters = async () => (await plinth.client.listDeadLetters()).deadLetters;
  /** Builders take what is handed out in their own time. */
  const untilThereAre = async (count: number) => {
    for (;;) {
      const found = await letters();
      if (found.length >= count) return found;
    }
  };

  beforeAll(async () => {
    plinth = await Plinth.start();
    const access = await SupervisedNats.running(join(plinth.data, 'data/nats'));
    const { url, user, password } = access!;
    jet = await Jet.connect({ servers: url, user, pass: password, name: 'test' });
  });
  afterAll(async () => {
    await jet?.close();
    await plinth?.close();
  });

  it('is kept with its cause, listed, and put back once', async () => {
    expect(await cli('dead', 'list')).toMatchObject({ exit: 0, stdout: '' });
    await jet.js.publish(dispatchSubject('default'), 'no JSON');
    await jet.js.publish(dispatchSubject('default'), '{"run":"nobody","attempt":1}');
    const found = await untilThereAre(2);
    expect(found.map(({ kind, source, payload, replayable }) => ({ kind, source, payload, replayable }))).toEqual(
      expect.arrayContaining([
        { kind: 'Dispatch', source: 'default', payload: 'no JSON', replayable: true },
        { kind: 'Dispatch', source: 'default', payload: '{"run":"nobody","attempt":1}', replayable: true },
      ]),
    );
    const nobody = found.find(({ payload }) => payload.includes('nobody'))!;
    expect(nobody.cause).toMatch(/nobody/);
    expect((await cli('dead', 'list', '-o', 'wide')).stdout).toMatch(/no JSON/);

    const replayed = await cli('dead', 'replay', nobody.id);
    expect(replayed).toMatchObject({ exit: 0, stderr: 'It was put back, and is no dead letter any more.\n' });
    // The log still knows nothing of it, so it comes back, as another letter.
    const again = (await untilThereAre(2)).find(({ payload }) => payload.includes('nobody'))!;
    expect(Number(again.id)).toBeGreaterThan(Number(nobody.id));
    expect(await cli('dead', 'replay', nobody.id)).toMatchObject({
      exit: 3,
      stderr: expect.stringMatching(/replayed already/),
    });
    expect(await cli('dead', 'replay', 'x')).toMatchObject({ exit: 2 });
    const reader = await plinth.client.createToken({ name: 'writer', scope: 'write' });
    await expect(plinth.as(reader.token).listDeadLetters()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});
