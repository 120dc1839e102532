import { trackedInputs } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import { defaultPatience, evaluate } from '../../apps/graph/src/model/evaluate.js';
import { GraphModel } from '../../apps/graph/src/model/graph-model.js';
import type { Adoption } from '../../apps/graph/src/model/facts.js';
import type { Motion, TaskNode } from '../../apps/graph/src/model/nodes.js';
import { currentKey } from '../../apps/graph/src/model/staleness.js';
import { rebuildDecider } from '../../apps/graph/src/rebuilds/rebuild.decider.js';
import { attend, type Attended } from '../../apps/scheduler/src/admission/attend.js';
import { planDispatch, priorities, type Candidate } from '../../apps/scheduler/src/admission/plan.js';
import type { Planted } from './simulator.js';

/** A bug on purpose: the mistake that a reader of the design is likely to make. The oracle has to find each. */
export interface Mutant {
  readonly name: string;
  readonly plant: Planted;
  /** It shows a task as it is not, and hardly ever makes the system do something else. */
  readonly onlyShown?: true;
}

/** What a planted bug reaches into. */
interface Insides {
  readonly tasks: GraphModel['tasks'];
  readonly images: GraphModel['images'];
  readonly tables: GraphModel['tables'];
  readonly queue: { add(task: TaskNode): void };
  derive(task: TaskNode): void;
  apply(event: RecordedEvent): void;
  isHeldByFailure(task: TaskNode): boolean;
  isTracked(reference: string): boolean;
  stopWaitingFor(reference: string): void;
  awaitAnswers(task: TaskNode, unanswered: Motion['unanswered']): void;
  findLoops(): void;
  failed(event: RecordedEvent<'run.failed'> | RecordedEvent<'run.timed-out'>): void;
  ended(run: string): [TaskNode, unknown] | [undefined, undefined];
}

/** A model some of whose methods are others. */
const model = (change: (insides: Insides) => Partial<Insides>): Planted => ({
  graph: {
    model: () => {
      const real = new GraphModel();
      return Object.assign(real, change(real as unknown as Insides));
    },
  },
});

/** A model that reads something else than what was written. */
const reading = (change: (event: RecordedEvent, insides: Insides) => RecordedEvent): Planted =>
  model((insides) => {
    const apply = insides.apply.bind(insides);
    return { apply: (event) => apply(change(event, insides)) };
  });

/** After everything derived is right, something of it is made wrong. */
const deriving = (change: (task: TaskNode, insides: Insides) => void): Planted =>
  model((insides) => {
    const derive = insides.derive.bind(insides);
    return {
      derive: (task) => {
        derive(task);
        change(task, insides);
        task.unsettled = task.stale || task.pending || task.unsettledUp > 0;
      },
    };
  });

/** What admission is told is something else than what is so. */
const attending = (change: (attended: Attended) => Attended): Planted => ({
  scheduler: { attend: (attended) => attend(change(attended)) },
});

/** Every run is something else in the eyes of who plans. */
const planning = (change: (queued: NonNullable<Candidate['state']['queued']>) => object): Planted => ({
  scheduler: {
    plan: (runs, slots, now) => {
      const changed = [...runs].map((one) => {
        const { queued } = one.state;
        return queued ? { ...one, state: { ...one.state, queued: { ...queued, ...change(queued) } } } : one;
      });
      return planDispatch(changed, slots, now);
    },
  },
});

const hours = 3_600_000;

const staleToo = (task: TaskNode): void => {
  task.stale = true;
  task.pending ||= task.automatic;
};

const withRoles = <T extends { role: string }>(inputs: readonly T[]) => inputs.map((one) => ({ ...one, role: 'base' }));

export const mutants: readonly Mutant[] = [
  {
    name: 'only direct upstreams hold',
    plant: deriving((task) => {
      task.pending = task.runs.size > 0 || task.unanswered !== null || (task.automatic && task.stale);
    }),
  },
  { name: 'outputs are not waited for', plant: model(() => ({ awaitAnswers: () => undefined })) },
  {
    name: 'an output is answered when its digest is the adopted one',
    plant: deriving((task, { images }) => {
      if (!task.unanswered) return;
      const waits = (task.standing?.outputs ?? []).some(
        ({ reference, digest }) =>
          (images.get(reference)?.consumers.size ?? 0) > 0 &&
          images.get(reference)?.adoptions[0]?.snapshot.digest !== digest,
      );
      task.pending = task.runs.size > 0 || waits || (task.automatic && (task.stale || task.pendingUp > 0));
    }),
  },
  {
    name: 'digests of indexes are compared, not those of platforms',
    plant: deriving((task, { images }) => {
      for (const { reference, digest } of task.standing?.inputs ?? []) {
        const now = task.tracked.has(reference) && images.get(reference)?.adoptions[0]?.snapshot.digest;
        if (now && now !== digest) staleToo(task);
      }
    }),
  },
  {
    name: 'a key that was seen before is suppressed',
    plant: {
      graph: {
        decide: () => {
          const seen = new Set<string>();
          return (command, state) =>
            rebuildDecider.decide(command, state).filter((event) => {
              if (event.type !== 'rebuild.due') return true;
              if (seen.has(event.data.key)) return false;
              seen.add(event.data.key);
              return true;
            });
        },
      },
    },
  },
  {
    name: 'a disabled task holds its dependants',
    plant: deriving((task) => {
      task.pending ||= task.stale && task.definition?.status === 'Disabled';
    }),
  },
  { name: 'edges of a loop hold and trigger', plant: model(() => ({ findLoops: () => undefined })) },
  {
    name: 'every input is tracked, whatever its role',
    plant: reading((event) => {
      if (event.type !== 'task.scanned' && event.type !== 'run.succeeded') return event;
      const inputs = withRoles<{ role: string }>(event.data.inputs);
      return { ...event, data: { ...event.data, inputs } } as RecordedEvent;
    }),
  },
  {
    name: 'an unchanged rebuild counts as a move',
    plant: model((insides) => {
      const apply = insides.apply.bind(insides);
      const derive = insides.derive.bind(insides);
      const answered = new Map<string, number>();
      return {
        apply: (event) => {
          if (event.type === 'tag.confirmed') {
            answered.set(event.data.reference, event.sequence);
            for (const task of insides.images.get(event.data.reference)?.consumers ?? []) insides.queue.add(task);
          }
          apply(event);
        },
        derive: (task) => {
          derive(task);
          for (const reference of task.tracked.keys()) {
            if (task.standing && (answered.get(reference) ?? 0) > task.standing.position) staleToo(task);
          }
        },
      };
    }),
  },
  {
    name: 'a failed task forgets that it is stale',
    plant: model((insides) => {
      const failed = insides.failed.bind(insides);
      const derive = insides.derive.bind(insides);
      const forgotten = new Set<string>();
      return {
        failed: (event) => {
          const task = insides.tasks.get(event.data.task ?? '');
          if (task) forgotten.add(currentKey(task, insides.images));
          failed(event);
        },
        derive: (task) => {
          derive(task);
          if (!forgotten.has(currentKey(task, insides.images))) return;
          task.stale = false;
          task.pending = task.runs.size > 0 || task.unanswered !== null || (task.automatic && task.pendingUp > 0);
        },
      };
    }),
  },
  {
    name: 'a run with overrides becomes the standing run',
    plant: reading((event) =>
      event.type === 'run.queued' ? { ...event, data: { ...event.data, overridden: false } } : event,
    ),
  },
  {
    name: 'the scan of an old definition is accepted',
    plant: reading((event, { tasks }) => {
      if (event.type !== 'task.scanned') return event;
      const definitionHash = tasks.get(event.data.task)?.definitionHash ?? event.data.definitionHash;
      return { ...event, data: { ...event.data, definitionHash } };
    }),
  },
  {
    name: 'of two tasks that push one tag only one is upstream',
    plant: model((insides) => {
      const { producers } = insides.tables;
      const add = producers.add.bind(producers);
      producers.add = (image, task) => {
        if (producers.length(image) === 0) add(image, task);
      };
      return {};
    }),
  },
  {
    name: 'several roots are not waited for',
    plant: {
      graph: {
        evaluate: (task, images, now, patience = defaultPatience) =>
          evaluate(task, images, now, { ...patience, settleMs: 0, settleLimitMs: 0 }),
      },
    },
  },
  {
    name: 'an offer stays open when its run was superseded',
    plant: model((insides) => {
      const ended = insides.ended.bind(insides);
      return {
        ended: (run) => {
          const [task, ...rest] = ended(run);
          if (task?.offer) task.offer.over = false;
          return [task, ...rest] as ReturnType<Insides['ended']>;
        },
      };
    }),
  },
  { name: 'the builder does not check its pins', plant: { checksPins: false } },
  {
    name: 'an index without a wanted platform is stood on',
    plant: model((insides) => {
      const apply = insides.apply.bind(insides);
      return {
        apply: (event) => {
          if (event.type === 'tag.adopted')
            (insides.images.get(event.data.reference)?.adoptions as Adoption[] | undefined)?.splice(0);
          apply(event);
        },
      };
    }),
  },
  { name: 'an open circuit holds and is offered', plant: model(() => ({ isHeldByFailure: () => false })) },
  { name: 'an output that nobody tracks is waited for', plant: model(() => ({ isTracked: () => true })) },
  {
    name: 'an output is waited for though nobody tracks it any more',
    plant: model(() => ({ stopWaitingFor: () => undefined })),
  },
  { name: 'two replicas append without expecting a sequence', plant: { graph: { expectsSequence: false } } },
  {
    name: 'a deleted task still pushes its tags',
    onlyShown: true,
    plant: model((insides) => {
      const apply = insides.apply.bind(insides);
      return {
        apply: (event) => {
          const task = event.type === 'task.deleted' ? insides.tasks.get(event.data.task) : undefined;
          const pushed = task && [...insides.images.values()].filter(({ producers }) => producers.has(task));
          apply(event);
          if (!task) return;
          for (const image of pushed ?? []) {
            insides.tables.producers.add(image.id, task.id);
            for (const below of image.consumers) if (task.pending) below.pendingUp += 1;
            for (const below of image.consumers) insides.derive(below);
          }
        },
      };
    }),
  },
  {
    name: 'the run of a deleted task counts for its namesake',
    onlyShown: true,
    plant: model((insides) => {
      const apply = insides.apply.bind(insides);
      return {
        apply: (event) => {
          const task = event.type === 'task.created' ? insides.tasks.get(event.data.definition.name) : undefined;
          const runs = new Map(task?.runs);
          const owners = (insides as unknown as { runs: Map<string, TaskNode> }).runs;
          apply(event);
          for (const [id, run] of runs) {
            task?.moving.runs.set(id, run);
            if (task) owners.set(id, task);
          }
        },
      };
    }),
  },
  {
    name: 'tracking more makes a task stale',
    plant: deriving((task) => {
      const used = new Set(task.standing?.inputs.map(({ reference }) => reference));
      if (task.standing && [...trackedInputs(task).keys()].some((reference) => !used.has(reference))) staleToo(task);
    }),
  },
  {
    name: 'a changed definition makes nothing stale',
    plant: reading((event) =>
      event.type === 'task.updated' ? { ...event, data: { ...event.data, definitionHash: 'always the same' } } : event,
    ),
  },
  { name: 'what was forgotten is not looked for', plant: { graph: { reconciles: false } } },
  {
    name: 'a run that no builder takes holds its dependants',
    onlyShown: true,
    plant: reading((event) =>
      event.type === 'run.unplaced' ? ({ ...event, type: 'wave.closed', data: {} } as unknown as RecordedEvent) : event,
    ),
  },
  {
    name: 'a reset forgets nothing',
    plant: reading((event) =>
      event.type === 'task.circuit-closed' && event.data.reason === 'Reset'
        ? ({ ...event, type: 'wave.closed', data: {} } as unknown as RecordedEvent)
        : event,
    ),
  },
  {
    name: 'what a policy holds is stood on',
    plant: reading((event) => {
      if (event.type !== 'tag.held' || event.data.run !== null) return event;
      const { candidate, ...data } = event.data;
      return { ...event, type: 'tag.adopted', data: { ...data, to: candidate } } as unknown as RecordedEvent;
    }),
  },
  {
    name: 'a circuit is tried again too soon',
    plant: attending((attended) => ({ ...attended, now: attended.now + hours })),
  },
  { name: 'a circuit is never opened', plant: attending((attended) => ({ ...attended, book: forgetful(attended) })) },
  {
    name: 'what is withdrawn is built all the same',
    plant: {
      scheduler: {
        attend: (attended) => {
          const { steps, again } = attend(attended);
          return { steps: steps.filter((step) => step.command.type !== 'supersede'), again };
        },
      },
    },
  },
  {
    name: 'urgent is not more urgent',
    plant: attending((attended) => {
      const { offer } = attended.book;
      if (!offer) return attended;
      const causes = offer.due.causes.map((cause) => ({ ...cause, urgent: false }));
      return { ...attended, book: { ...attended.book, offer: { ...offer, due: { ...offer.due, causes } } } };
    }),
  },
  { name: 'two runs of one task go on at once', plant: planning(() => ({ task: null })) },
  {
    name: 'the least urgent goes first',
    plant: planning(({ priority }) => ({ priority: priorities.toReversed()[priorities.indexOf(priority)] })),
  },
  {
    name: 'a team may take every builder',
    plant: planning(({ definition }) => ({ definition: { ...definition, team: 'all' } })),
  },
  {
    name: 'more is dispatched than there are slots',
    plant: {
      scheduler: {
        plan: (runs, slots, now) =>
          planDispatch(runs, new Map([...slots].map(([pool, count]) => [pool, count + 1])), now),
      },
    },
  },
  {
    name: 'the newest goes first',
    plant: {
      scheduler: {
        plan: (runs, slots, now) =>
          planDispatch(
            [...runs].map((one) => ({ ...one, sequence: -one.sequence })),
            slots,
            now,
          ),
      },
    },
  },
  {
    name: 'an error of ours is tried again at once',
    plant: { scheduler: { plan: (runs, slots) => planDispatch(runs, slots, Infinity) } },
  },
];

/** A book in which no failure was ever written down. */
const forgetful = ({ book, state }: Attended): Attended['book'] =>
  book.failures && !state.circuit && !state.opened ? { ...book, failures: null } : book;
