import {
  isPlinthError,
  platformSchema,
  PlinthError,
  type FieldViolation,
  type Input,
  type TaskDefinition,
  type TaskProperties,
} from '#libs/contracts';
import { isContextError, parseContextPath } from '#libs/context';
import { renderImageName } from '#libs/domain';
import { formatPlatform, parsePlatform, parseReference, platformKey } from '#libs/oci';

type CreateTask = Input<'createTask'>;
type UpdateTask = Input<'updateTask'>;

const example = { id: 'c1', date: new Date(0) };

const imageNameProblems = (names: readonly string[]): FieldViolation[] =>
  names.flatMap((name, index) => {
    try {
      renderImageName(name, example);
      return [];
    } catch (error) {
      return [{ field: `step.imageNames[${index}]`, message: (error as Error).message }];
    }
  });

const contextProblems = (contextPath: string): FieldViolation[] => {
  try {
    parseContextPath(contextPath);
    return [];
  } catch (error) {
    if (!isContextError(error)) throw error;
    return [{ field: 'step.contextPath', message: error.message }];
  }
};

const argumentProblems = ({ arguments: list }: TaskProperties['step']): FieldViolation[] =>
  list.flatMap(({ name, value, isSecret, secretRef }, index) => {
    const field = `step.arguments[${index}]`;
    if (isSecret && value !== undefined) {
      return [
        {
          field: `${field}.value`,
          message: `a secret value is never stored in a task: PUT /v1/secrets/NAME first, then give secretRef for ${name}`,
        },
      ];
    }
    if (secretRef !== undefined && !isSecret)
      return [{ field: `${field}.isSecret`, message: 'expected true where there is a secretRef' }];
    return [];
  });

const platformsOf = ({ platforms, platform }: Pick<CreateTask, 'platforms' | 'platform'>): string[] => {
  if (platforms) return [...new Set(platforms.map((one) => platformKey(parsePlatform(one))))];
  if (!platform) return ['linux/amd64'];
  const { os, architecture, variant } = platform;
  const acr = { os: os.toLowerCase(), architecture: architecture.toLowerCase(), ...(variant ? { variant } : {}) };
  const key = formatPlatform(acr);
  if (!platformSchema.safeParse(key).success) {
    throw new PlinthError('INVALID_ARGUMENT', `${key} is no platform.`, [
      {
        field: 'platform',
        message: `expected an architecture like amd64 or arm64 and a variant like v7; ${key} is none`,
      },
    ]);
  }
  return [platformKey(parsePlatform(key))];
};

/** @throws PlinthError INVALID_ARGUMENT naming each field that cannot be */
const checked = (definition: TaskDefinition): TaskDefinition => {
  const { step } = definition;
  const problems = [
    ...contextProblems(step.contextPath),
    ...imageNameProblems(step.imageNames),
    ...argumentProblems(step),
  ];
  if (step.isPushEnabled && step.imageNames.length === 0) {
    problems.push({ field: 'step.imageNames', message: 'expected at least one name, or isPushEnabled: false' });
  }
  if (problems.length > 0) {
    throw new PlinthError(
      'INVALID_ARGUMENT',
      `The task ${definition.name} cannot be taken: ${problems[0]?.message}`,
      problems,
    );
  }
  return definition;
};

/** The definition that a request to create a task asks for. */
export const createdDefinition = (input: CreateTask, team: string): TaskDefinition => {
  const { platform: _view, platforms: _given, ...properties } = input;
  return checked({ ...properties, team: input.team ?? team, platforms: platformsOf(input) });
};

/** Fields of a task's step as a quick build names them. */
const asRequested = ({ field, message }: FieldViolation): FieldViolation => ({
  field: field.replace(/^step\.contextPath/, 'sourceLocation').replace(/^step\./, ''),
  message,
});

/** The definition of a build without a task. Its name is the run's, which comes later. */
export const requestedDefinition = (input: Input<'scheduleRun'>, team: string): TaskDefinition => {
  const { sourceLocation, agentConfiguration, agentPoolName, timeout, platforms, platform, ...rest } = input;
  const { type: _type, team: owner, ...step } = rest;
  try {
    return checked({
      name: 'build',
      team: owner ?? team,
      status: 'Enabled',
      platforms: platformsOf({ ...(platforms ? { platforms } : {}), ...(platform ? { platform } : {}) }),
      agentConfiguration,
      agentPoolName,
      timeout,
      step: { ...step, type: 'Docker', contextPath: sourceLocation },
      trigger: { baseImageTrigger: null },
      tags: {},
    });
  } catch (error) {
    if (!isPlinthError(error)) throw error;
    const violations = error.violations.map(asRequested);
    throw new PlinthError('INVALID_ARGUMENT', `The build cannot be taken: ${violations[0]?.message}`, violations);
  }
};

/** Absent fields stay, null removes. */
const patched = <T extends object>(target: T, patch: object): T => {
  const result = { ...target } as Record<string, unknown>;
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field];
    else if (value !== undefined) result[field] = value;
  }
  return result as T;
};

export const updatedDefinition = (definition: TaskDefinition, patch: UpdateTask): TaskDefinition => {
  const { name: _name, step, trigger, platforms, ...rest } = patch;
  const base = trigger?.baseImageTrigger;
  const before = definition.trigger.baseImageTrigger ?? {
    name: 'defaultBaseimageTriggerName',
    baseImageTriggerType: 'Runtime' as const,
    status: 'Enabled' as const,
  };
  return checked({
    ...patched<TaskDefinition>(definition, rest),
    ...(platforms ? { platforms: platformsOf({ platforms }) } : {}),
    step: step ? patched(definition.step, step) : definition.step,
    trigger:
      base === undefined ? definition.trigger : { baseImageTrigger: base === null ? null : patched(before, base) },
  });
};

/** Scheme, host and port of a context on the network; undefined for an upload. Paths were checked before they are stored. */
const hostOf = (contextPath: string): string | undefined => {
  try {
    const path = parseContextPath(contextPath);
    if (path.kind === 'artifact') return `oci://${parseReference(path.reference).registry}`;
    return path.kind === 'archive' ? undefined : new URL(path.url).origin;
  } catch {
    return undefined; // `checked` says what is wrong with it
  }
};

/** The definition of one run by hand with overrides; ACR's OverrideTaskStepProperties. */
export const overriddenDefinition = (
  definition: TaskDefinition,
  override: NonNullable<Input<'runTask'>['overrideTaskStepProperties']>,
): TaskDefinition => {
  const { contextPath, file, target, arguments: list } = override;
  const merged = new Map(definition.step.arguments.map((argument) => [argument.name, argument]));
  // Who may run a task may use the secrets that it uses; a context of one's own would show any other.
  const own = new Set(definition.step.arguments.map(({ secretRef }) => secretRef));
  const foreign = (list ?? []).flatMap(({ secretRef }, index) =>
    secretRef === undefined || own.has(secretRef)
      ? []
      : [
          {
            field: `overrideTaskStepProperties.arguments[${index}].secretRef`,
            message: `expected a secret that the task itself uses; ${secretRef} is none`,
          },
        ],
  );
  if (foreign.length > 0) {
    throw new PlinthError('INVALID_ARGUMENT', `The run cannot be taken: ${foreign[0]?.message}.`, foreign);
  }
  if (contextPath !== undefined && own.size > (own.has(undefined) ? 1 : 0)) {
    throw new PlinthError(
      'INVALID_ARGUMENT',
      `The task ${definition.name} uses secrets: a run of it with another context would hand them to that context.`,
      [{ field: 'overrideTaskStepProperties.contextPath', message: 'expected none for a task with secret arguments' }],
    );
  }
  for (const argument of list ?? []) merged.set(argument.name, argument);
  const { contextAccessToken, ...step } = definition.step;
  // The task's token is for the task's own host: who may run it must not have it sent to another one.
  const sameHost = contextPath === undefined || hostOf(contextPath) === hostOf(definition.step.contextPath);
  return checked({
    ...definition,
    step: {
      ...step,
      ...(contextAccessToken !== undefined && sameHost ? { contextAccessToken } : {}),
      ...(contextPath === undefined ? {} : { contextPath }),
      ...(file === undefined ? {} : { dockerFilePath: file }),
      ...(target === undefined ? {} : { target }),
      arguments: [...merged.values()],
    },
  });
};
