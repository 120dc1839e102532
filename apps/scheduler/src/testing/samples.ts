import { taskDefinitionSchema, type EventData, type TaskDefinition } from '#libs/contracts';
import { definitionHash } from '#libs/domain';
import type { Proposed, RecordedEvent } from '#libs/event-log';

/** A task as it is stored, every default filled in. */
export const definitionOf = (
  name: string,
  step: Partial<TaskDefinition['step']> = {},
  more: Partial<Omit<TaskDefinition, 'name' | 'step'>> = {},
): TaskDefinition =>
  taskDefinitionSchema.parse({
    name,
    team: 'web',
    platforms: ['linux/amd64'],
    step: {
      type: 'Docker',
      contextPath: `context://sha256:${'0'.repeat(64)}`,
      imageNames: [`registry.test/${name}:1`],
      ...step,
    },
    ...more,
  });

export const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

export const moved: EventData<'rebuild.due'>['causes'][number] = {
  type: 'BaseImageMoved',
  reference: 'docker.io/library/node:22',
  from: digestOf('a'),
  to: digestOf('b'),
  seenBy: 'Webhook',
  adoptedAt: '2026-01-01T00:00:00.000Z',
  position: 7,
  run: null,
};

export const dueOf = (task: string, key: string, more: Partial<EventData<'rebuild.due'>> = {}) => ({
  type: 'rebuild.due' as const,
  data: { task, key, causes: [moved], pins: [], sourceRevision: null, basis: 7, waves: ['w7'], ...more },
});

export const queuedOf = (
  run: string,
  task: string,
  more: Partial<EventData<'run.queued'>> = {},
): { type: 'run.queued'; data: EventData<'run.queued'> } => {
  const definition = more.definition ?? definitionOf(task);
  return {
    type: 'run.queued',
    data: {
      run,
      task,
      runType: 'AutoBuild',
      key: 'k1',
      causes: [moved],
      offer: 1,
      definition,
      definitionHash: definitionHash(definition),
      overridden: false,
      pins: [],
      sourceRevision: null,
      priority: 'Base',
      waves: [],
      createdAt: '2026-01-01T00:00:00.000Z',
      ...more,
    },
  };
};

/** A proposed event with circumstances: its sequence, and a time one second after the one before. */
export const recorded = (event: Proposed, sequence: number, id: string = 'x'): RecordedEvent =>
  ({
    ...event,
    sequence,
    id: `e${sequence}`,
    aggregate: { kind: event.type.split('.')[0], id },
    time: new Date(Date.UTC(2026, 0, 1, 0, 0, sequence)).toISOString(),
    causation: null,
    correlation: null,
    traceparent: null,
  }) as RecordedEvent;
