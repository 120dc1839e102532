import { defineReason } from './reason.js';

export const definitionHasChanged = defineReason({
  type: 'DefinitionChanged',
  code: 'DEFINITION_CHANGED',
  detect: (task) => {
    const standing = task.isChanged ? task.standing : null;
    if (!standing) return [];
    const { definitionHash, definedAt } = task;
    return [{ type: 'DefinitionChanged', from: standing.definitionHash, to: definitionHash, position: definedAt }];
  },
  explain: ({ from, to }) => `what the task builds was changed, definition ${from.slice(0, 8)} → ${to.slice(0, 8)}`,
});
