import { stableOutputs } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import type { Entry, Fact } from './history.js';

/** An event of the log as the plain fact that the oracle reads. */
export const entryOf = (event: RecordedEvent): Entry => ({
  ...factOf(event),
  position: event.sequence,
  at: Date.parse(event.time),
});

const factOf = (event: RecordedEvent): Fact => {
  switch (event.type) {
    case 'task.created':
    case 'task.updated': {
      const { definition, definitionHash } = event.data;
      const trigger = definition.trigger.baseImageTrigger;
      return {
        kind: 'defined',
        task: definition.name,
        created: event.type === 'task.created',
        builds: definitionHash,
        enabled: definition.status === 'Enabled',
        tracks: trigger ? trigger.baseImageTriggerType : 'Nothing',
        triggerEnabled: trigger?.status === 'Enabled',
        outputs: stableOutputs(definition),
      };
    }
    case 'task.deleted':
      return { kind: 'deleted', task: event.data.task };
    case 'task.scanned': {
      const { task, definitionHash, status, inputs } = event.data;
      return { kind: 'scanned', task, builds: definitionHash, inputs: status === 'Known' ? inputs : null };
    }
    case 'task.circuit-opened':
      return { kind: 'circuit-opened', task: event.data.task, key: event.data.key };
    case 'task.circuit-closed':
      return { kind: 'circuit-closed', task: event.data.task, why: event.data.reason };
    case 'tag.adopted': {
      const { reference, to, run, urgent = false } = event.data;
      return { kind: 'adopted', reference, digest: to.digest, platforms: to.platforms, run, urgent };
    }
    case 'tag.held':
      return event.data.run
        ? { kind: 'answered', reference: event.data.reference, run: event.data.run }
        : { kind: 'other' };
    case 'tag.confirmed':
      return { kind: 'answered', reference: event.data.reference, run: event.data.run };
    case 'rebuild.due': {
      const { task, key, basis, pins } = event.data;
      return { kind: 'offered', task, key, basis, pins };
    }
    case 'rebuild.blocked':
    case 'rebuild.settled':
      return { kind: 'withdrawn', task: event.data.task };
    case 'run.queued': {
      const { run, task, definitionHash, overridden, offer, priority, definition } = event.data;
      const whose = { urgency: priority, team: definition.team };
      return { kind: 'queued', run, task: task ?? '', builds: definitionHash, overridden, offer, ...whose };
    }
    case 'run.unplaced':
      return { kind: 'unplaced', run: event.data.run };
    case 'run.dispatched':
      return { kind: 'dispatched', run: event.data.run };
    case 'run.errored': {
      const { run, retryAt } = event.data;
      return { kind: 'errored', run, retryAt: retryAt === null ? Infinity : Date.parse(retryAt) };
    }
    case 'run.started':
      return { kind: 'started', run: event.data.run };
    case 'run.succeeded': {
      const { run, inputs, outputs } = event.data;
      return { kind: 'succeeded', run, inputs, outputs: outputs.map(({ reference }) => reference) };
    }
    case 'run.failed':
    case 'run.timed-out':
      return { kind: 'failed', run: event.data.run };
    case 'run.canceled':
      return { kind: 'canceled', run: event.data.run, byPerson: event.data.reason === 'Requested' };
    default:
      return { kind: 'other' };
  }
};
