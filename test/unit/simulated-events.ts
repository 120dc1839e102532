import type { RecordedEvent } from '#libs/event-log';
import { GraphModel } from '../../apps/graph/src/model/graph-model.js';
import { scenarioOf } from '../simulation/scenario.js';
import { simulate } from '../simulation/simulator.js';

/** Everything that happened in the simulated world of a seed, as a projection reads it. */
export const simulatedEvents = (seed: number): RecordedEvent[] => {
  const events = new Map<number, RecordedEvent>();
  class Listening extends GraphModel {
    override apply(event: RecordedEvent): void {
      events.set(event.sequence, event);
      super.apply(event);
    }
  }
  simulate({ ...scenarioOf(seed), replicas: 1 }, { graph: { model: () => new Listening() } });
  return [...events.values()].sort((a, b) => a.sequence - b.sequence);
};
