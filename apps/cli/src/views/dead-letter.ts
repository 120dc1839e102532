import type { DeadLetterView } from '#libs/contracts';
import type { Column } from '../output/table.js';

export const deadLetterColumns: readonly Column<DeadLetterView>[] = [
  { title: 'id', value: ({ id }) => id },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'at', value: ({ at }) => at },
  { title: 'source', value: ({ source }) => source },
  { title: 'cause', value: ({ cause }) => cause },
  { title: 'payload', value: ({ payload }) => payload, wide: true },
  { title: 'replayable', value: ({ replayable }) => (replayable ? 'yes' : 'no'), wide: true },
];
