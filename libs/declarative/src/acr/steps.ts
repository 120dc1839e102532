import { parse } from 'yaml';
import { isContextError, parseContextPath } from '#libs/context';
import type { TaskDocument } from '#libs/contracts';
import { parseBuildCommand, type BuildCommand } from './build-command.js';
import { imageNames, type AcrNames } from './images.js';
import { fieldsAt, isFields, leftOut, listAt, textAt, type AcrNote, type Fields } from './notes.js';

type Step = TaskDocument['step'];
export interface ImportedStep {
  readonly step: Step;
  readonly notes: readonly AcrNote[];
}

/** The step of a task. @throws LeftOut for one that Plinth cannot do */
export const importStep = (step: Fields, names: AcrNames): ImportedStep => {
  switch (step['type']) {
    case 'Docker':
      return dockerStep(step, names);
    case 'EncodedTask':
      return encodedStep(step, names);
    case 'FileTask':
      return leftOut(
        'step.taskFilePath',
        `The task runs the steps of ${textAt(step['taskFilePath']) ?? 'a file'} in its context, which the export does not hold; Plinth does Docker steps.`,
        'Write a task with a Docker step for each `build` step of that file: its -f is dockerFilePath, its -t are imageNames, its --build-arg are arguments.',
      );
    default:
      return leftOut('step', 'There is no step, so there is nothing to build.', 'Nothing: it has no counterpart.');
  }
};

const contextPath = (given: unknown): string => {
  const path = textAt(given);
  if (path === undefined || path === '/dev/null') {
    return leftOut(
      'step.contextPath',
      'The task has no context, so it builds no image.',
      'Run what it does with another scheduler; Plinth builds images.',
    );
  }
  try {
    parseContextPath(path);
    return path;
  } catch (error) {
    if (!isContextError(error)) throw error;
    return leftOut(
      'step.contextPath',
      error.message,
      'Give it another context (a git URL, a .tar.gz, or an upload), then import it again.',
    );
  }
};

const dockerStep = (step: Fields, names: AcrNames): ImportedStep => {
  const images = imageNames(
    (Array.isArray(step['imageNames']) ? step['imageNames'] : []).map(String),
    names,
    'step.imageNames',
  );
  const pushes = step['isPushEnabled'] !== false && images.names.length > 0;
  const target = textAt(step['target']);
  const notes: AcrNote[] = [...images.notes];
  const list = listAt(step['arguments']).map((argument, index) => {
    const name = textAt(argument['name']) ?? '';
    if (argument['isSecret'] !== true) {
      const value = argument['value'];
      return { name, ...(typeof value === 'string' ? { value } : {}) };
    }
    const secretRef = `${names.task}.${name}`.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 63);
    notes.push({
      field: `step.arguments[${index}].value`,
      what: `The secret value of ${name} is not in the file; the task refers to a stored secret instead.`,
      todo: `Store it: plinth secret set ${secretRef}`,
    });
    return { name, isSecret: true, secretRef };
  });
  return {
    step: {
      type: 'Docker',
      contextPath: contextPath(step['contextPath']),
      dockerFilePath: textAt(step['dockerFilePath']) ?? 'Dockerfile',
      imageNames: images.names,
      isPushEnabled: pushes,
      noCache: step['noCache'] === true,
      ...(target === undefined ? {} : { target }),
      arguments: list,
    },
    notes,
  };
};

const todoForSteps =
  'Split it: what builds and pushes an image becomes a task with a Docker step; run the rest elsewhere.';

/** Of a multi-step task one shape is a Docker step in other words: one `build`, and the `push` of what it built. */
const encodedStep = (step: Fields, names: AcrNames): ImportedStep => {
  const field = 'step.encodedTaskContent';
  const text = Buffer.from(textAt(step['encodedTaskContent']) ?? '', 'base64').toString('utf8');
  const content = withValues(text, step);
  const commands = commandsOf(content, field);
  const builds = commands.filter((one) => 'build' in one);
  const [build] = builds;
  const others = commands.filter((one) => !('build' in one) && !('push' in one));
  if (!build || builds.length > 1 || others.length > 0) {
    const kinds = `${builds.length} build, ${commands.length - builds.length - others.length} push, ${others.length} cmd`;
    return leftOut(field, `The task has several steps (${kinds}); Plinth does one Docker step a task.`, todoForSteps);
  }
  const odd = Object.keys(build).filter((key) => !['build', 'id', 'timeout', 'when'].includes(key));
  if (odd.length > 0) {
    return leftOut(field, `Its build step has ${odd.join(', ')}, which a Docker step has not.`, todoForSteps);
  }
  let command: BuildCommand;
  try {
    command = parseBuildCommand(String(build['build']));
  } catch (error) {
    return leftOut(field, `Its build step is not understood: ${(error as Error).message}.`, todoForSteps);
  }
  const pushed = commands.flatMap((one) => (Array.isArray(one['push']) ? one['push'].map(String) : []));
  const images = imageNames(pushed.length > 0 ? pushed : command.images, names, field);
  const root = contextPath(step['contextPath']);
  return {
    step: {
      type: 'Docker',
      contextPath: command.context === '.' ? root : below(root, command.context, field),
      dockerFilePath: command.file,
      imageNames: images.names,
      isPushEnabled: pushed.length > 0,
      noCache: command.noCache,
      ...(command.target === undefined ? {} : { target: command.target }),
      arguments: command.arguments.map(({ name, value }) => ({ name, value })),
    },
    notes: images.notes,
  };
};

/** The folder of a repository that a build step names as its context. */
const below = (root: string, folder: string, field: string): string => {
  if (!/^[\w][\w./-]*$/.test(folder) || folder.includes('..')) {
    return leftOut(
      field,
      `Its build step has the context ${folder}, which is not the context of the task.`,
      todoForSteps,
    );
  }
  const [address = '', fragment = ''] = root.split('#', 2);
  const [ref = '', base = ''] = fragment.split(':', 2);
  return contextPath(`${address}#${ref}:${[base, folder].filter((part) => part !== '').join('/')}`);
};

/** Values that are no secrets, put in. */
const withValues = (text: string, step: Fields): string => {
  const values = new Map(
    listAt(step['values']).flatMap(({ name, value, isSecret }): [string, string][] =>
      isSecret === true || typeof name !== 'string' || typeof value !== 'string' ? [] : [[name, value]],
    ),
  );
  const filled = text.replaceAll(/\{\{\s*\.Values\.([\w-]+)\s*\}\}/g, (all, name: string) => values.get(name) ?? all);
  if (!/\{\{\s*\.(Values|Secrets)\./.test(filled)) return filled;
  return leftOut(
    'step.values',
    'Its steps use values or secrets that are not in the file.',
    'Write a task with a Docker step, and give them as arguments (secret ones with secretRef).',
  );
};

const commandsOf = (text: string, field: string): Fields[] => {
  let parsed: unknown;
  try {
    parsed = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    return leftOut(field, `Its steps are not YAML: ${(error as Error).message.split('\n', 1)[0]}`, todoForSteps);
  }
  const { steps } = fieldsAt(parsed) as { steps?: unknown };
  const list = Array.isArray(steps) ? steps.filter(isFields) : [];
  return list.length > 0 ? list : leftOut(field, 'It has no steps.', 'Nothing: it has no counterpart.');
};
