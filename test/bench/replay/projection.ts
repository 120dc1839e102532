import { AggregateStore, Projector, type Jet, type Projection } from '#libs/event-log';
import { GraphProjection } from '../../../apps/graph/src/projection/graph-projection.js';
import { rebuildDecider } from '../../../apps/graph/src/rebuilds/rebuild.decider.js';
import { waveDecider } from '../../../apps/graph/src/waves/wave.decider.js';

/** All that the graph service projects. */
export const graphProjections = (): Projection[] => [
  new AggregateStore(rebuildDecider),
  new AggregateStore(waveDecider),
  new GraphProjection(),
];

/** Replays the whole log into new projections; the projector is still open when this resolves. */
export const replay = async (
  jet: Jet,
  file: string,
  last: number,
  projections: readonly Projection[],
  onBatch?: () => void,
): Promise<Projector> => {
  const projector = new Projector({ log: jet.events, file, projections });
  if (onBatch) projector.onBatch(onBatch);
  await projector.start();
  const arrived = await Promise.race([
    projector.waitFor(last, { timeoutMs: 3_600_000 }),
    projector.failed.then((error) => {
      throw error;
    }),
  ]);
  if (!arrived) throw new Error(`The projection stopped at ${projector.position} of ${last}.`);
  return projector;
};
