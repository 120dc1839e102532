import type { InputRole, TaskDefinition } from '#libs/contracts';

/** What matters of an input here; both a scanned and a used one have it. */
export interface TrackableInput {
  readonly reference: string;
  readonly role: InputRole;
}

/**
 * Whether a task tracks an input. ACR's `Runtime` tracks the base of the final stage, `All` every image but the
 * frontend; a task without a base image trigger tracks nothing. A disabled trigger still tracks: the task is shown
 * stale, and is not rebuilt.
 */
export const tracks = (
  definition: Pick<TaskDefinition, 'trigger'>,
  input: TrackableInput & { readonly pinned?: boolean },
): boolean => {
  const trigger = definition.trigger.baseImageTrigger;
  if (!trigger || input.pinned || isPinnedReference(input.reference)) return false;
  return trigger.baseImageTriggerType === 'All' ? input.role !== 'frontend' : input.role === 'base';
};

/** A reference with a digest never moves. */
export const isPinnedReference = (reference: string): boolean => reference.includes('@');

/** Whether the system rebuilds the task by itself when it is stale, as far as its settings go. */
export const rebuildsAutomatically = (definition: Pick<TaskDefinition, 'status' | 'trigger'>): boolean =>
  definition.status === 'Enabled' && definition.trigger.baseImageTrigger?.status === 'Enabled';

/** An image that a task uses, as far as it is known now. */
export interface KnownInput extends TrackableInput {
  readonly platforms: readonly string[];
  readonly pinned: boolean;
}

/** What the log says of a task's inputs; every service that must agree on what is tracked keeps these. */
export interface InputKnowledge {
  readonly definition: TaskDefinition | null;
  readonly definitionHash: string;
  /** The scan of the current definition. */
  readonly scan: {
    readonly status: 'Known' | 'Unknown';
    readonly inputs: readonly KnownInput[];
    readonly position: number;
  } | null;
  /** The last successful run of the task's own definition. */
  readonly standing: {
    readonly definitionHash: string;
    readonly position: number;
    readonly inputs: readonly (TrackableInput & { readonly platforms: Readonly<Record<string, string>> })[];
  } | null;
}

/**
 * Which inputs of a task are the newest: those of the standing run when it built the current definition and is newer
 * than the scan, else those that the scan found, else those of the standing run. Null when they cannot be named.
 */
export const newestInputs = ({
  definitionHash,
  scan,
  standing,
}: Pick<InputKnowledge, 'definitionHash' | 'scan' | 'standing'>): 'standing' | 'scan' | null => {
  if (standing && standing.definitionHash === definitionHash && standing.position > (scan?.position ?? 0)) {
    return 'standing';
  }
  if (scan?.status === 'Known') return 'scan';
  return standing ? 'standing' : null;
};

/** What is known of a task's inputs, by {@link newestInputs}. */
export const knownInputs = (knowledge: InputKnowledge): readonly KnownInput[] | null => {
  switch (newestInputs(knowledge)) {
    case 'standing':
      return (knowledge.standing?.inputs ?? []).map(({ reference, role, platforms }) => ({
        reference,
        role,
        platforms: Object.keys(platforms),
        pinned: isPinnedReference(reference),
      }));
    case 'scan':
      return knowledge.scan?.inputs ?? [];
    case null:
      return null;
  }
};

/** Tracked references with their platforms, merged over the roles in which they are used. */
export const trackedInputs = (knowledge: InputKnowledge): Map<string, readonly string[]> => {
  const tracked = new Map<string, readonly string[]>();
  const { definition } = knowledge;
  if (!definition) return tracked;
  for (const input of knownInputs(knowledge) ?? []) {
    if (!tracks(definition, input)) continue;
    const before = tracked.get(input.reference);
    tracked.set(input.reference, before ? [...new Set([...before, ...input.platforms])] : input.platforms);
  }
  return tracked;
};
