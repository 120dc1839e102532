import { definitionChanged } from '../model/staleness.js';
import { defineReason } from './reason.js';

export const definitionHasChanged = defineReason({
  type: 'DefinitionChanged',
  code: 'DEFINITION_CHANGED',
  detect: (task) =>
    definitionChanged(task) && task.standing
      ? [
          {
            type: 'DefinitionChanged',
            from: task.standing.definitionHash,
            to: task.definitionHash,
            position: task.definedAt,
          },
        ]
      : [],
  explain: ({ from, to }) => `what the task builds was changed, definition ${from.slice(0, 8)} → ${to.slice(0, 8)}`,
});
