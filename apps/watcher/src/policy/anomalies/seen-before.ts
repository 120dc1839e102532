import type { AnomalyKind } from './anomaly.js';

export const seenBefore: AnomalyKind = {
  code: 'SeenBefore',
  detect: ({ tag, found }) => {
    if (tag.current?.digest === found.digest) return undefined;
    const before = tag.history.find(({ digest }) => digest === found.digest);
    return before && `The tag had this digest at ${before.at}, and another one since.`;
  },
};
