import { describe, expect, it } from 'vitest';
import { GraphModel } from '../../apps/graph/src/model/graph-model.js';
import { scenarioOf } from '../simulation/scenario.js';
import { simulate } from '../simulation/simulator.js';

const seeds = 60;
/** A prime: every kind of moment is met, and the tests stay quick. */
const everyEvents = 7;

type Page = readonly [string, number, Uint8Array];

/** The stored facts of every node in a model that has read nothing, and everything derived computed from them. */
const restored = (from: GraphModel, pages: Map<string, Page>): GraphModel => {
  for (const [part, page, bytes] of from.tables.takePages()) pages.set(`${part} ${page}`, [part, page, bytes.slice()]);
  const model = new GraphModel({}, from.store);
  model.tables.load(pages.values());
  for (const { id, motion } of from.tasks.values()) {
    if (!motion) continue;
    const { runs, unanswered, ...plain } = motion;
    const now = Object.assign(model.taskAt(id).moving, plain);
    now.unanswered = unanswered && { run: unanswered.run, references: new Set(unanswered.references) };
    for (const [run, of] of runs) now.runs.set(run, { ...of });
  }
  model.restore();
  return model;
};

const derived = (model: GraphModel) =>
  [...model.tasks.values()].map((task) => ({
    name: task.name,
    tracked: [...task.tracked],
    up: [...task.up].map(({ name }) => name).sort(),
    down: [...task.down].map(({ name }) => name).sort(),
    inLoop: task.component !== null,
    tracksItself: task.tracksItself,
    stale: task.stale,
    automatic: task.automatic,
    pending: task.pending,
    unsettled: task.unsettled,
    pendingUp: task.pendingUp,
    unsettledUp: task.unsettledUp,
    unsettledSince: task.unsettledSince,
  }));

describe('a graph that is loaded from what was stored', () => {
  it('is the graph that was kept up to date event by event', () => {
    for (let seed = 1; seed <= seeds; seed += 1) {
      let read = 0;
      const model = () => {
        const live = new GraphModel();
        const pages = new Map<string, Page>();
        const apply = live.apply.bind(live);
        return Object.assign(live, {
          apply: (event: Parameters<GraphModel['apply']>[0]) => {
            apply(event);
            read += 1;
            if (read % everyEvents === 0) {
              expect(derived(restored(live, pages)), `seed ${seed}, position ${event.sequence}`).toEqual(derived(live));
            }
          },
        });
      };
      simulate(scenarioOf(seed), { graph: { model } });
    }
  }, 120_000);
});
