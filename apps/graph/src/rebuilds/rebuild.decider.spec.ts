import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#libs/event-log';
import type { Evaluation } from '../model/evaluate.js';
import { rebuildDecider, type RebuildCommand } from './rebuild.decider.js';

type RebuildEvent = RecordedEvent<'rebuild.due'> | RecordedEvent<'rebuild.blocked'> | RecordedEvent<'rebuild.settled'>;
type Said = Pick<RebuildEvent, 'type' | 'data'>;

const due = (key: string): Evaluation => ({
  kind: 'due',
  key,
  causes: [{ type: 'DefinitionChanged', from: 'a', to: 'b', position: 1 }],
  pins: [],
  sourceRevision: 'c0ffee',
});
const blocked = (
  reason: 'UpstreamPending' | 'Settling' | 'Running' | 'Disabled' | 'CircuitOpen',
  ...by: string[]
): Evaluation => ({
  kind: 'blocked',
  reason,
  by,
  again: null,
});
const settled: Evaluation = { kind: 'settled' };
const running: Evaluation = { kind: 'running' };

/** Decides one evaluation after the other, and answers what was said for the last. */
const given = (...before: { evaluation: Evaluation; offerOver?: boolean }[]) => ({
  when: (evaluation: Evaluation, offerOver = false) => {
    let state = rebuildDecider.initialState;
    const decide = (one: Evaluation, over: boolean, basis: number): readonly Said[] => {
      const command: RebuildCommand = { task: 'app', evaluation: one, offerOver: over, basis, waves: ['w1'] };
      const events = rebuildDecider.decide(command, state);
      for (const event of events) state = rebuildDecider.evolve(state, event as RebuildEvent);
      return events as readonly Said[];
    };
    before.forEach((one, index) => decide(one.evaluation, one.offerOver ?? state.offered === null, index + 1));
    const said = decide(evaluation, offerOver || state.offered === null, 10);
    return { says: (...types: string[]) => expect(said.map(({ type }) => type)).toEqual(types), said };
  },
});

describe('an offer to rebuild', () => {
  it('is made when a task becomes due, with its key, causes, basis and waves', () => {
    const { said } = given().when(due('k1'));
    expect(said).toEqual([
      {
        type: 'rebuild.due',
        data: {
          task: 'app',
          key: 'k1',
          causes: [{ type: 'DefinitionChanged', from: 'a', to: 'b', position: 1 }],
          pins: [],
          sourceRevision: 'c0ffee',
          basis: 10,
          waves: ['w1'],
        },
      },
    ]);
  });
  it('is made once, however often the task is looked at', () =>
    given({ evaluation: due('k1') })
      .when(due('k1'))
      .says());
  it('is replaced when the key changes', () =>
    given({ evaluation: due('k1') })
      .when(due('k2'))
      .says('rebuild.due'));
  it('is made again for the same key when the run that it led to is over', () =>
    given({ evaluation: due('k1') })
      .when(due('k1'), true)
      .says('rebuild.due'));
  it('is made again for a key that comes back', () =>
    given({ evaluation: due('a') }, { evaluation: due('b') })
      .when(due('a'))
      .says('rebuild.due'));
  it('is withdrawn when an upstream task becomes pending', () =>
    given({ evaluation: due('k1') })
      .when(blocked('UpstreamPending', 'base'))
      .says('rebuild.blocked'));
  it('is withdrawn when the task is no longer stale', () =>
    given({ evaluation: due('k1') })
      .when(settled)
      .says('rebuild.settled'));
  it('is left alone while a run goes on', () =>
    given({ evaluation: due('k1') })
      .when(running)
      .says());
  it('is not withdrawn when its run is over', () =>
    given({ evaluation: due('k1') })
      .when(settled, true)
      .says());
});

describe('why a stale task is not rebuilt', () => {
  it('is said once', () =>
    given({ evaluation: blocked('Disabled') })
      .when(blocked('Disabled'))
      .says());
  it('is said anew when it is another reason', () =>
    given({ evaluation: blocked('Disabled') })
      .when(blocked('CircuitOpen'))
      .says('rebuild.blocked'));
  it.each(['UpstreamPending', 'Settling', 'Running'] as const)('is not said for %s, which ends by itself', (reason) =>
    given().when(blocked(reason)).says(),
  );
  it('is taken back when the task is fresh again', () =>
    given({ evaluation: blocked('Disabled') })
      .when(settled)
      .says('rebuild.settled'));
  it('is followed by an offer when the task may be rebuilt', () =>
    given({ evaluation: blocked('Disabled') })
      .when(due('k1'))
      .says('rebuild.due'));
  it('is nothing while the task was never stale', () => given().when(settled).says());
});
