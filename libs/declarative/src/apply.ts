import type { Client } from '#libs/client';
import {
  isPlinthError,
  nameOfResource,
  PlinthError,
  type AppliedResource,
  type ApplyAction,
  type Output,
  type ResourceDocument,
  type ResourceType,
} from '#libs/contracts';
import { placeOf, problemAt, type Problem } from './problem.js';
import { fieldsOf, ofType, type Located } from './resources.js';

export interface ApplyOptions {
  readonly set?: string | undefined;
  readonly team?: string | undefined;
  readonly prune?: boolean | undefined;
  readonly takeOver?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface AppliedOne extends AppliedResource {
  readonly type: ResourceType;
}

export interface Applied {
  readonly resources: readonly AppliedOne[];
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly deleted: number;
  /** Stored secrets that are named and are not there yet. */
  readonly missingSecrets: readonly string[];
  readonly dryRun: boolean;
}

type Call = (dryRun: boolean) => Promise<Output<'applyTasks'>>;

type Fields<T extends ResourceType> = Omit<Extract<ResourceDocument, { type: T }>, 'apiVersion' | 'type'>;

/** What one operation has to do. Registries go first, then policies, so that tasks find both. */
interface Part {
  readonly type: ResourceType;
  /** Name of the field of the request that holds the resources. */
  readonly list: string;
  readonly located: readonly Located[];
  readonly call: Call;
}

const definedOf = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

const partsOf = (client: Client, resources: readonly Located[], options: ApplyOptions): Part[] => {
  const { set, team, prune, takeOver } = options;
  const common = definedOf({ set, team, prune, takeOver });
  /** @param list name of the field of the request */
  const part = <T extends ResourceType>(
    type: T,
    list: string,
    call: (fields: Fields<T>[], more: typeof common & { dryRun: boolean }) => Promise<Output<'applyTasks'>>,
  ): Part[] => {
    const located = ofType(resources, type);
    if (located.length === 0 && !prune) return [];
    const fields = located.map(({ document }) => fieldsOf(document)) as Fields<T>[];
    return [{ type, list, located, call: (dryRun) => call(fields, { ...common, dryRun }) }];
  };
  return [
    ...part('Registry', 'registries', (registries, more) => client.applyRegistries({ ...more, registries })),
    ...part('Policy', 'policies', (policies, more) => client.applyPolicies({ ...more, policies })),
    ...part('Task', 'tasks', (tasks, more) => client.applyTasks({ ...more, tasks })),
  ];
};

/** Whoever may not change what is only to be pruned has made none of it. */
const isNotOurs = ({ located }: Part, error: unknown): boolean =>
  located.length === 0 && isPlinthError(error) && error.code === 'PERMISSION_DENIED';

/** What a service refused, by the places in the files. */
const problemsOf = ({ list, located }: Part, error: PlinthError): Problem[] =>
  error.violations.flatMap(({ field, message }) => {
    const match = new RegExp(`^${list}\\[(\\d+)\\](?:\\.(.*))?$`, 's').exec(field);
    const one = match && located[Number(match[1])];
    if (!one) return [];
    const title = `${one.document.type} ${nameOfResource(one.document)}`;
    return [problemAt(one.source, title, { field: match[2] ?? '', message })];
  });

/** An error about places in files. The code is that of the first refusal. */
export const problemsError = (problems: readonly Problem[], code: PlinthError['code'] = 'INVALID_ARGUMENT') => {
  const count = problems.length === 1 ? 'One thing is' : `${problems.length} things are`;
  return new PlinthError(
    code,
    `${count} not as expected; nothing was changed.`,
    problems.map((problem) => ({ field: placeOf(problem), message: problem.message })),
  );
};

const refused = (parts: readonly Part[], failures: readonly unknown[]): unknown => {
  const problems = failures.flatMap((failure, index) =>
    isPlinthError(failure) ? problemsOf(parts[index]!, failure) : [],
  );
  const first = failures.find((failure) => failure !== undefined);
  // What names no resource (no connection, no right to apply at all) is said as it is.
  return problems.length > 0 && isPlinthError(first) ? problemsError(problems, first.code) : first;
};

const merged = (answers: readonly Applied[], dryRun: boolean): Applied => {
  const resources = answers.flatMap((answer) => answer.resources);
  const count = (action: ApplyAction) => resources.filter((one) => one.action === action).length;
  return {
    resources,
    created: count('Created'),
    updated: count('Updated'),
    unchanged: count('Unchanged'),
    deleted: count('Deleted'),
    missingSecrets: [...new Set(answers.flatMap((answer) => answer.missingSecrets))],
    dryRun,
  };
};

const calling = async ({ type, call }: Part, dryRun: boolean): Promise<Applied> => {
  const answer = await call(dryRun);
  return { ...answer, resources: answer.resources.map((one) => ({ type, ...one })) };
};

/**
 * Makes things as the documents say. Where more than one operation has something to do, each is asked to check its part
 * before any of them writes.
 *
 * @throws PlinthError that names every place in the files at which something is wrong
 */
export const applyResources = async (
  client: Client,
  resources: readonly Located[],
  options: ApplyOptions = {},
): Promise<Applied> => {
  const dryRun = options.dryRun ?? false;
  const asked = partsOf(client, resources, options);
  let parts: readonly Part[] = asked;
  if (asked.length > 1 || dryRun) {
    const checked = await Promise.allSettled(asked.map((part) => calling(part, true)));
    const failures = checked.map((one, index) =>
      one.status === 'rejected' && !isNotOurs(asked[index]!, one.reason) ? (one.reason as unknown) : undefined,
    );
    if (failures.some((failure) => failure !== undefined)) throw refused(asked, failures);
    if (dryRun)
      return merged(
        checked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
        true,
      );
    parts = asked.filter((_part, index) => checked[index]?.status === 'fulfilled');
  }
  const answers: Applied[] = [];
  for (const part of parts) {
    try {
      answers.push(await calling(part, false));
    } catch (error) {
      throw refused([part], [error]);
    }
  }
  return merged(answers, false);
};
