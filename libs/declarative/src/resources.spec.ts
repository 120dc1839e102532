import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf } from './problem.js';
import { readDocuments } from './read.js';
import { checkDocuments } from './resources.js';

const check = (text: string, file = 'tasks.yaml') => {
  const { sources, problems } = readDocuments(text, file);
  const checked = checkDocuments(sources);
  return { ...checked, problems: [...problems, ...checked.problems] };
};
const said = (text: string, file?: string) =>
  check(text, file).problems.map((problem) => `${placeOf(problem)}: ${problem.message}`);

const good = `apiVersion: plinth.dev/v1
type: Task
name: app
step:
  type: Docker
  contextPath: https://git.test/app.git#main
  imageNames: [registry.test/app:1]
`;

describe('files', () => {
  it('hold several documents, YAML or JSON, lists of them too', () => {
    const registry = { apiVersion: 'plinth.dev/v1', type: 'Registry', host: 'registry.test' };
    expect(check(`${good}---\n${JSON.stringify(registry)}\n---\n`).resources).toHaveLength(2);
    expect(check(JSON.stringify([registry]), 'r.json').resources.map(({ document }) => document)).toEqual([registry]);
    expect(check('').resources).toEqual([]);
    expect(check(`# nothing yet\n`).problems).toEqual([]);
  });

  it('are told of everything that is wrong, by file, line, document and field', () => {
    const text = `${good}---
apiVersion: plinth.dev/v2
type: Task
name: b
timeout: soon
step:
  type: Docker
  contextPath: https://git.test/b.git
  imageNames:
    - registry.test/b:1
    - 7
---
apiVersion: plinth.dev/v1
type: Registry
host: registry.test
colour: blue
---
type: Job
---
kind: Task
---
just text
---
${good}`;
    expect(said(text)).toEqual([
      'tasks.yaml:9, document 2 (Task b), apiVersion: Invalid input: expected "plinth.dev/v1"',
      'tasks.yaml:12, document 2 (Task b), timeout: Invalid input: expected number, received string',
      'tasks.yaml:18, document 2 (Task b), step.imageNames[1]: Invalid input: expected string, received number',
      'tasks.yaml:23, document 3 (Registry registry.test), colour: is not a field of this request',
      'tasks.yaml:25, document 4 (Job), type: expected one of Task, Registry, Policy; "Job" is none of them',
      'tasks.yaml:27, document 5, type: expected one of Task, Registry, Policy; it is missing; write type: Task, not kind: Task',
      'tasks.yaml:29, document 6: expected a resource with apiVersion and type, found string',
      'tasks.yaml:33, document 7 (Task app), name: expected a name once; it stands at tasks.yaml, document 1 already',
    ]);
  });

  it('that are no YAML say where, and bombs of aliases are not unfolded', () => {
    expect(said('a: [1, 2\nb: }')[0]).toMatch(/^tasks\.yaml:\d+, document 1: is not YAML: /);
    expect(said('a: 1\na: 2\n')[0]).toMatch(/^tasks\.yaml:2, document 1: is not YAML: .*unique/i);
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++) {
      const [from, to] = [String.fromCharCode(96 + level), String.fromCharCode(97 + level)];
      bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(', ')}]`);
    }
    expect(said(bomb.join('\n'))[0]).toMatch(/cannot be read: Excessive alias count/);
  });

  it('that are JSON are named without lines, and a broken one as YAML would be', () => {
    expect(said('{"type": "Task", "name": "x"}', 'x.json')[0]).toMatch(/^x\.json, document 1 \(Task x\), apiVersion/);
    expect(said('{"type": "Task",', 'x.json')[0]).toMatch(/^x\.json:\d+, document 1: is not YAML/);
  });

  it('of ACR stand beside those of Plinth', () => {
    const acr = { name: 'q', type: 'Microsoft.ContainerRegistry/registries/tasks', isSystemTask: true };
    const { resources, acr: reports, problems } = check(`${good}---\n${JSON.stringify([acr])}\n`);
    expect([resources.length, reports.map(({ outcome }) => outcome), problems]).toEqual([1, ['LeftOut'], []]);
  });
});

describe('files that nobody meant to apply', () => {
  it('are told what is wrong with them, whatever they hold; nothing breaks', () => {
    const damage = fc.record({
      at: fc.nat(good.length),
      cut: fc.nat(20),
      put: fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\t', '- ', '{', '*x', '&x ', '!!js ', '---\n'),
      ),
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), damage), (given) => {
        const text =
          typeof given === 'string' ? given : good.slice(0, given.at) + given.put + good.slice(given.at + given.cut);
        for (const line of said(text)) expect(line).toMatch(/^tasks\.yaml/);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        for (const line of said(text, 'x.json')) expect(line).toMatch(/^x\.json/);
      }),
      { numRuns: 300 },
    );
  });
});
