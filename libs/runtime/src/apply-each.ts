import { PlinthError, type AppliedResource, type ApplyAction, type Output } from '#libs/contracts';
import { fieldChanges } from '#libs/domain';
import { inWindow, type CommandResult } from '#libs/event-log';
import type { CallContext } from '#libs/service';
import type { ServiceLog } from './service-log.js';

/** One resource that was checked: what it is now, and what it will be. */
export interface CheckedResource<D> {
  readonly name: string;
  readonly known: D | null;
  readonly wanted: D;
  /** Appends what makes it so; decides again on what is there by then. */
  readonly write: () => Promise<CommandResult>;
}

export interface ApplyEach<D> {
  readonly log: Pick<ServiceLog, 'projector'>;
  /** Nothing of them is written before all were checked. */
  readonly resources: readonly CheckedResource<D>[];
  readonly pruned: readonly { readonly name: string; readonly write: () => Promise<CommandResult> }[];
  readonly dryRun: boolean;
  /** Names of stored secrets that are not there yet. */
  readonly missingSecrets?: readonly string[];
  readonly call: CallContext;
}

/** Appends under way at once: each waits for the disk, and they may wait together. */
const appendsAtOnce = 256;

const planned = <D>({
  known,
  wanted,
}: CheckedResource<D>): { action: ApplyAction; changes: AppliedResource['changes'] } => {
  if (known === null) return { action: 'Created', changes: [] };
  const changes = fieldChanges(known, wanted);
  return { action: changes.length > 0 ? 'Updated' : 'Unchanged', changes };
};

const answerOf = (
  resources: readonly AppliedResource[],
  { missingSecrets = [] }: Pick<ApplyEach<unknown>, 'missingSecrets'>,
  dryRun: boolean,
): Output<'applyTasks'> => {
  const count = (action: ApplyAction) => resources.filter((one) => one.action === action).length;
  return {
    resources: [...resources],
    created: count('Created'),
    updated: count('Updated'),
    unchanged: count('Unchanged'),
    deleted: count('Deleted'),
    missingSecrets: [...missingSecrets],
    dryRun,
  };
};

/**
 * Writes what was checked, many at once, and answers what became of each.
 *
 * @throws what an append throws, saying how many stand in the log by then: to repeat the call completes it
 */
export const applyEach = async <D>(each: ApplyEach<D>): Promise<Output<'applyTasks'>> => {
  const { dryRun, call } = each;
  const resources = each.resources.map((one) => ({ name: one.name, position: null, ...planned(one) }));
  const deleted = each.pruned.map(({ name }): AppliedResource => ({
    name,
    action: 'Deleted',
    position: null,
    changes: [],
  }));
  if (dryRun) return answerOf([...resources, ...deleted], each, true);

  const positions = new Map<string, number>();
  const write = async (one: { readonly name: string; readonly write: () => Promise<CommandResult> }): Promise<void> => {
    const { sequence, events } = await one.write();
    call.wrote(sequence);
    if (events.length > 0) positions.set(one.name, sequence);
  };
  const changed = each.resources.filter((_one, index) => resources[index]?.action !== 'Unchanged');
  try {
    await inWindow(changed, appendsAtOnce, write, call.signal);
    await inWindow(each.pruned, appendsAtOnce, write, call.signal);
  } catch (error) {
    throw halfWay(error, positions.size, changed.length + each.pruned.length);
  }
  // Whoever reads next, with or without a position, mostly finds it; as after every other write.
  const last = Math.max(0, ...positions.values());
  await each.log.projector.waitFor(last, { timeoutMs: 2000, signal: call.signal });
  const written = (one: AppliedResource): AppliedResource => {
    const position = positions.get(one.name);
    // Somebody else was faster, and did the same.
    return position === undefined ? { ...one, action: 'Unchanged', changes: [] } : { ...one, position };
  };
  return answerOf(
    [...resources.map(written), ...deleted.filter(({ name }) => positions.has(name)).map(written)],
    each,
    false,
  );
};

const halfWay = (error: unknown, written: number, all: number): unknown => {
  if (!(error instanceof PlinthError)) return error;
  const message = `${error.message} ${written} of ${all} changes are written; apply again for the rest.`;
  return new PlinthError(error.code, message, error.violations, { cause: error });
};
