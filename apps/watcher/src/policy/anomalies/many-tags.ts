import { manyTags, manyTagsWithinMs, type AnomalyKind } from './anomaly.js';

export const manyTagsMoved: AnomalyKind = {
  code: 'ManyTags',
  detect: ({ movedTogether }) =>
    movedTogether > manyTags
      ? `${movedTogether} tags of the repository moved within ${manyTagsWithinMs / 60_000} minutes.`
      : undefined,
};
