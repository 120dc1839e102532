import { operations, type OperationsOf } from '#libs/contracts';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { HandlerMap } from './serves.js';
import { serves, servesTable } from './serves.js';
import { tableOfTests } from './fixture.js';

class Nothing {}
class Graph {
  listDependants(): Promise<never> {
    return Promise.reject(new Error('never called'));
  }
}

describe('serves', () => {
  it('wants a handler for each operation of the service when it is compiled', () => {
    expectTypeOf<keyof HandlerMap<'graph'>>().toEqualTypeOf<OperationsOf<'graph'>>();
    // @ts-expect-error: handlers of the other operations of the graph are missing
    expect(serves('graph', { listDependants: Graph })).toBeDefined();
    // @ts-expect-error: this class has no method watchEvents
    expect(serves('every', { watchEvents: Nothing })).toBeDefined();
  });

  it('says at start which operations have no handler, and which handlers have no operation', () => {
    const provider = servesTable('graph', tableOfTests, { explain: Nothing });
    expect(() => provider.useFactory(new Nothing())).toThrow(
      'without a handler: listDependants; without an operation: explain',
    );
  });

  it('says at start whose owner it is not told: no operation on what belongs to a team goes unchecked', () => {
    const { cancelRun } = operations;
    class Runs {
      cancelRun(): void {
        throw new Error('never called');
      }
    }
    const provider = servesTable('scheduler', { cancelRun }, { cancelRun: Runs });
    expect(() => provider.useFactory(new Runs())).toThrow('cancelRun is about a run, and scheduler provides no owner');
  });
});
