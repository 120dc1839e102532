import type { AnomalyKind } from './anomaly.js';

export const createdEarlier: AnomalyKind = {
  code: 'CreatedEarlier',
  detect: ({ tag: { adopted }, found }) =>
    adopted?.created !== undefined &&
    found.created !== undefined &&
    Date.parse(found.created) < Date.parse(adopted.created)
      ? `It was made at ${found.created}, before the adopted one (${adopted.created}).`
      : undefined,
};
