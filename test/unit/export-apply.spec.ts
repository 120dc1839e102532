import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createdDefinition } from '../../apps/scheduler/src/tasks/definition.js';
import { taskView } from '../../apps/scheduler/src/views/task-view.js';
import { taskResourceSchema, type RegistryView, type TaskDefinition } from '#libs/contracts';
import {
  checkDocuments,
  fieldsOf,
  ofType,
  readDocuments,
  registryDocument,
  taskDocument,
  yamlOf,
} from '#libs/declarative';
import { markedDefinition, sameDefinition } from '#libs/domain';

/** Texts that a careless YAML writer would turn into something else. */
const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }),
  fc.constantFrom(
    'yes',
    'null',
    '~',
    '1.0',
    '0x1f',
    '2024-01-01',
    '<<',
    '- a',
    '# b',
    'a: b',
    '"',
    "'",
    '*x',
    '&y',
    '!z',
  ),
  fc.constantFrom('two\nlines', ' space', 'space ', '\ttab', '€𝄞', '{{.Run.ID}}', '%', '@', '`'),
);
const name = fc.stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,20}[A-Za-z0-9])?$/);
const status = fc.constantFrom('Enabled', 'Disabled');
const optional = <T>(field: string, value: fc.Arbitrary<T>) =>
  fc.option(
    value.map((one) => ({ [field]: one })),
    { nil: {} },
  );
const together = (...parts: fc.Arbitrary<object>[]) =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...(all as object[])) as object);

const argument = fc.oneof(
  together(fc.record({ name: text }), optional('value', fc.oneof(text, fc.constant('')))),
  fc.record({ name: text, isSecret: fc.constant(true), secretRef: fc.constantFrom('s', 's@3', 'env:PLINTH_SECRET_X') }),
);
const step = together(
  fc.record({
    type: fc.constant('Docker'),
    contextPath: fc.constantFrom(
      'https://git.test/app.git#main:a b',
      `context://sha256:${'a'.repeat(64)}`,
      'https://files.test/x.tar.gz',
    ),
    imageNames: fc.array(fc.constantFrom('r.test/a:1', 'r.test/b:{{.Run.ID}}', 'node'), { minLength: 1, maxLength: 3 }),
  }),
  optional('dockerFilePath', text),
  optional('isPushEnabled', fc.boolean()),
  optional('noCache', fc.boolean()),
  optional('target', text),
  optional('contextAccessToken', fc.constant('git@2')),
  optional('arguments', fc.array(argument, { maxLength: 3 })),
);
const baseImageTrigger = fc.oneof(
  fc.constant(null),
  together(
    optional('name', text),
    optional('baseImageTriggerType', fc.constantFrom('Runtime', 'All')),
    optional('status', status),
  ),
);
const task = together(
  fc.record({ name, step }),
  optional('team', name),
  optional('status', status),
  optional(
    'platforms',
    fc.shuffledSubarray(['linux/amd64', 'linux/arm64', 'linux/arm/v7'], { minLength: 1, maxLength: 3 }),
  ),
  optional('agentConfiguration', fc.record({ cpu: fc.integer({ min: 1, max: 256 }) })),
  optional('agentPoolName', fc.stringMatching(/^[a-z]{1,10}$/)),
  optional('timeout', fc.integer({ min: 300, max: 28_800 })),
  optional('trigger', together(optional('baseImageTrigger', baseImageTrigger))),
  optional(
    'tags',
    fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }).filter((t) => !Object.hasOwn(t, '__proto__')),
  ),
);

const shown = (definition: TaskDefinition) =>
  taskView(
    {
      definition,
      definitionHash: 'h',
      createdAt: '2026-01-01T00:00:00Z',
      createdPosition: 1,
      sequence: 1,
      scan: null,
      standing: null,
      lastRun: null,
      circuit: null,
    },
    definition,
  );

const readBack = (text: string) => {
  const { sources, problems } = readDocuments(text, 'export.yaml');
  const checked = checkDocuments(sources);
  expect([...problems, ...checked.problems]).toEqual([]);
  return checked.resources;
};

describe('what is exported', () => {
  it('and applied is the same task again, for any task', () => {
    fc.assert(
      fc.property(fc.array(task, { minLength: 1, maxLength: 3 }), (tasks) => {
        const apply = { mark: 'web/default', takeOver: false };
        const definitions = tasks.map((one, index) => {
          const resource = taskResourceSchema.parse({ ...one, name: `t${index}` });
          return markedDefinition(createdDefinition(resource, 'web'), null, apply, '');
        });
        const text = definitions.map((definition) => yamlOf(taskDocument(shown(definition)))).join('');
        const again = ofType(readBack(text), 'Task').map(({ document }) =>
          createdDefinition(taskResourceSchema.parse(fieldsOf(document)), 'another'),
        );
        again.forEach((wanted, index) => {
          const known = definitions[index]!;
          // On an empty Plinth it is the same, mark included; where it is already, it changes nothing.
          expect(markedDefinition(wanted, null, apply, '')).toEqual(known);
          expect(sameDefinition(markedDefinition(wanted, known, apply, ''), known)).toBe(true);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('says of a task what is not the default, in the order of people', () => {
    const resource = taskResourceSchema.parse({
      name: 'app',
      step: { type: 'Docker', contextPath: 'https://git.test/app.git', imageNames: ['r.test/app:1'] },
    });
    expect(yamlOf(taskDocument(shown(createdDefinition(resource, 'web'))))).toBe(
      [
        '---',
        'apiVersion: plinth.dev/v1',
        'type: Task',
        'name: app',
        'team: web',
        'step:',
        '  type: Docker',
        '  contextPath: https://git.test/app.git',
        '  imageNames:',
        '    - r.test/app:1',
        '',
      ].join('\n'),
    );
  });

  it('says of a registry how it is reached, never what only the server knows', () => {
    const view: RegistryView = {
      host: 'registry.test:5000',
      kind: 'Distribution',
      scheme: 'http',
      credentials: { username: 'u', password: 'push@1' },
      poll: {},
      appliedBy: 'default',
      etag: '7',
      hookPath: null,
      lastNotificationAt: null,
      lastError: null,
      watchedTags: 3,
      polling: {
        pacing: 'Interval',
        requestsPerSecond: 5,
        concurrency: 4,
        allowed: 5,
        used: 0,
        pausedUntil: null,
        failures: 0,
        quota: null,
        looksSpendQuota: false,
        lastErrorAt: null,
      },
    };
    const document = registryDocument(view);
    expect(document).toEqual({
      apiVersion: 'plinth.dev/v1',
      type: 'Registry',
      host: 'registry.test:5000',
      kind: 'Distribution',
      scheme: 'http',
      credentials: { username: 'u', password: 'push@1' },
    });
    expect(readBack(yamlOf(document)).map((one) => one.document)).toEqual([document]);
  });
});
