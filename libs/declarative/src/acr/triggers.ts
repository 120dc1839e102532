import type { TaskDocument } from '#libs/contracts';
import { fieldsAt, isFields, listAt, textAt, type AcrNote, type Fields } from './notes.js';

const statusOf = (value: unknown): 'Enabled' | 'Disabled' => (value === 'Disabled' ? 'Disabled' : 'Enabled');

/** The trigger of a task: what base images do is carried over, what else starts a run is said. */
export const importTrigger = (
  given: unknown,
  task: string,
): { trigger: NonNullable<TaskDocument['trigger']>; notes: AcrNote[] } => {
  const trigger = fieldsAt(given);
  const base = trigger['baseImageTrigger'];
  const notes = [
    ...listAt(trigger['timerTriggers']).map((timer, index) => timerNote(timer, index, task)),
    ...listAt(trigger['sourceTriggers']).flatMap((source, index) => sourceNotes(source, index, task)),
  ];
  if (!isFields(base)) return { trigger: { baseImageTrigger: null }, notes };
  if (textAt(base['updateTriggerEndpoint']) !== undefined) {
    notes.push({
      field: 'trigger.baseImageTrigger.updateTriggerEndpoint',
      what: 'Plinth calls no endpoint of a task when its base moved.',
      todo: 'Follow the events (GET /v1/events?types=rebuild.due,run.succeeded) and call it from there.',
    });
  }
  return {
    trigger: {
      baseImageTrigger: {
        name: textAt(base['name']) ?? 'defaultBaseimageTriggerName',
        baseImageTriggerType: base['baseImageTriggerType'] === 'All' ? 'All' : 'Runtime',
        status: statusOf(base['status']),
      },
    },
    notes,
  };
};

const timerNote = (timer: Fields, index: number, task: string): AcrNote => ({
  field: `trigger.timerTriggers[${index}]`,
  what: `The timer ${textAt(timer['name']) ?? index} (${textAt(timer['schedule']) ?? 'no schedule'}, UTC, ${statusOf(timer['status'])}) is not carried over: Plinth rebuilds when something changed, not by the clock.`,
  todo: `If it must run by the clock all the same: plinth task run -n ${task} from cron.`,
});

const sourceNotes = (source: Fields, index: number, task: string): AcrNote[] => {
  const field = `trigger.sourceTriggers[${index}]`;
  const repository = fieldsAt(source['sourceRepository']);
  const events = Array.isArray(source['sourceTriggerEvents']) ? source['sourceTriggerEvents'].join(', ') : 'commit';
  const where = [textAt(repository['repositoryUrl']), textAt(repository['branch'])].filter(Boolean).join('#');
  return [
    {
      field,
      what: `Commits do not start runs (${events} at ${where}, ${statusOf(source['status'])}).`,
      todo: `Let the pipeline of the repository do it: plinth task run -n ${task}`,
    },
    {
      field: `${field}.sourceRepository.sourceControlAuthProperties`,
      what: 'The token for the repository is not in the file.',
      todo: `If the repository is private: plinth secret set ${task}.git, and contextAccessToken: ${task}.git in the step.`,
    },
  ];
};
