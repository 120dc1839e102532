import type { Cause } from '#libs/contracts';
import type { Images, TaskNode } from '../model/nodes.js';
import { baseImageMoved } from './base-image-moved.js';
import { definitionHasChanged } from './definition-changed.js';
import { startedByHand } from './manual.js';
import type { RebuildReason } from './reason.js';

/** Every reason, in the order in which an answer names them. */
export const reasons = [baseImageMoved, definitionHasChanged, startedByHand] as const;

export const detectCauses = (task: TaskNode, images: Images): Cause[] =>
  reasons.flatMap((reason): Cause[] => reason.detect(task, images));

export const reasonOf = (cause: Cause): RebuildReason =>
  reasons.find(({ type }) => type === cause.type) as unknown as RebuildReason;

/** The sentence of a cause, without a full stop. */
export const explainCause = (cause: Cause): string => reasonOf(cause).explain(cause as never);
