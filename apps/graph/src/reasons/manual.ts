import { defineReason, moment } from './reason.js';

export const startedByHand = defineReason({
  type: 'Manual',
  code: 'MANUAL',
  detect: () => [],
  explain: ({ by, at }) => `${by} started it by hand at ${moment(at)}`,
});
