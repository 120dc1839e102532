import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { tempDir } from '#libs/testing';
import { Plinth } from '../support/plinth.js';
import { cliOf } from '../support/run-cli.js';

const head = { apiVersion: 'plinth.dev/v1' };
const task = (name: string, more: object = {}) => ({
  ...head,
  type: 'Task',
  name,
  step: { type: 'Docker', contextPath: 'https://git.invalid/app.git#main', imageNames: [`registry.invalid/${name}:1`] },
  ...more,
});
const registry = (host: string, more: object = {}) => ({ ...head, type: 'Registry', host, ...more });
const policy = (name: string, more: object = {}) => ({
  ...head,
  type: 'Policy',
  name,
  match: [`${name}.invalid/*`],
  ...more,
});
const files = (...documents: object[]) => documents.map((one) => JSON.stringify(one)).join('\n---\n');

describe('declarative use', () => {
  let plinth: Plinth;
  let second: Plinth;
  let folder: string;
  const cli = (args: readonly string[], stdin = '') => cliOf(plinth, { cwd: folder })(args, stdin);
  const json = async (args: readonly string[], stdin = '') => {
    const { exit, stdout, stderr } = await cli([...args, '-o', 'json'], stdin);
    if (exit !== 0 && exit !== 6) throw new Error(`${args.join(' ')} ended with ${exit}: ${stderr}`);
    return JSON.parse(stdout) as {
      resources: { type: string; name: string; action: string }[];
      [count: string]: unknown;
    };
  };
  const events = () => plinth.feed.events.length;

  beforeAll(async () => {
    [plinth, second] = await Promise.all([Plinth.start(), Plinth.start()]);
    folder = (await tempDir('declarative')).path;
  });
  afterAll(async () => {
    await Promise.all([plinth?.close(), second?.close()]);
  });

  it('makes what the files say, and a second time nothing', async () => {
    await writeFile(join(folder, 'tasks.yaml'), files(task('app', { tags: { tier: '1' } }), task('web')));
    await writeFile(join(folder, 'hosts.json'), JSON.stringify([registry('registry.invalid', { scheme: 'http' })]));
    const dry = await json(['apply', '-f', '.', '--dry-run']);
    expect(dry).toMatchObject({ created: 3, dryRun: true });
    expect((await plinth.client.listTasks()).tasks).toEqual([]);

    const made = await json(['apply', '-f', '.']);
    expect(made.resources.map(({ type, name, action }) => `${action} ${type} ${name}`)).toEqual([
      'Created Registry registry.invalid',
      'Created Task app',
      'Created Task web',
    ]);
    expect(await plinth.client.getTask({ name: 'app' }, { position: plinth.client.position })).toMatchObject({
      appliedBy: 'default/default',
      tags: { tier: '1' },
    });
    expect(await json(['apply', '-f', '.'])).toMatchObject({ created: 0, updated: 0, unchanged: 3 });
    expect((await cli(['diff', '-f', '.'])).exit).toBe(0);
  });

  it('shows field by field what would change, and changes only that', async () => {
    const changed = files(task('app', { tags: { tier: '2' }, timeout: 600 }), task('web'));
    const diff = await cli(['diff', '-f', '-'], changed);
    expect(diff).toMatchObject({ exit: 6, stderr: 'Would be: 1 updated, 1 unchanged.\n' });
    expect(diff.stdout).toBe('~ Task app\n    timeout: 3600 → 600\n    tags.tier: "1" → "2"\n');
    const applied = await json(['apply', '-f', '-'], changed);
    expect(applied).toMatchObject({ updated: 1, unchanged: 1 });
    expect((await cli(['diff', '-f', '-'], changed)).exit).toBe(0);
  });

  it('refuses everything when anything is wrong, and names every place', async () => {
    const before = await cli(['export']);
    await writeFile(join(folder, 'bad.yaml'), `${files(registry('new.invalid'), task('new'))}\n---\ntype: Task\n`);
    const text = files(
      task('new', { timeout: 1 }),
      task('other', { step: { type: 'Docker', contextPath: 'ftp://x', imageNames: ['UPPER'] } }),
    );
    const shape = await cli(['apply', '-f', 'bad.yaml', '-f', '-'], text);
    expect(shape).toMatchObject({ exit: 2, stdout: '' });
    expect(shape.stderr).toMatch(/bad\.yaml:5, document 3 \(Task\), apiVersion: .*plinth\.dev\/v1/);
    expect(shape.stderr).toMatch(/standard input:1, document 1 \(Task new\), timeout: /);

    // What only the service can tell is told as precisely; the registry, which is good, is not made either.
    const meaning = await cli(
      ['apply', '-f', '-'],
      files(registry('new.invalid'), JSON.parse(text.split('\n---\n')[1]!) as object),
    );
    expect(meaning.exit).toBe(2);
    expect(meaning.stderr).toMatch(/standard input:3, document 2 \(Task other\), step\.contextPath: /);
    expect(meaning.stderr).toMatch(/standard input:3, document 2 \(Task other\), step\.imageNames\[0\]: /);
    expect(await cli(['export'])).toEqual(before);
    expect(await cli(['apply', '-f', 'nothing.yaml'])).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/nothing\.yaml cannot be read: there is no such file/),
    });
  });

  it('prunes what the set made, and never what was made by hand', async () => {
    const { step } = task('hand');
    await plinth.client.createTask({ name: 'by-hand', step: step as never });
    await json(['apply', '--set', 'shop', '-f', '-'], files(task('one'), task('two'), registry('shop.invalid')));
    // By hand it stays, though a set changes it.
    await json(['apply', '--set', 'shop', '-f', '-'], files(task('by-hand', { timeout: 900 })));
    const pruned = ['apply', '--set', 'shop', '--prune', '-f', '-'];
    expect((await json([...pruned, '--dry-run'], files(task('two')))).resources).toEqual([
      expect.objectContaining({ name: 'shop.invalid', action: 'Deleted' }),
      expect.objectContaining({ name: 'two', action: 'Unchanged' }),
      expect.objectContaining({ name: 'one', action: 'Deleted' }),
    ]);
    expect(await json(pruned, files(task('two')))).toMatchObject({ deleted: 2, unchanged: 1 });
    const { tasks } = await plinth.client.listTasks({ pageSize: 100 });
    expect(tasks.map(({ name }) => name)).toEqual(['app', 'by-hand', 'two', 'web']);
    expect(await json(pruned, '')).toMatchObject({ deleted: 1 });

    const stolen = await cli(['apply', '--set', 'shop', '-f', '-'], files(task('web')));
    expect(stolen).toMatchObject({
      exit: 5,
      stderr: expect.stringMatching(/Task web\)?: .*of the set "default\/default"/),
    });
    expect(
      await json(['apply', '--set', 'shop', '--take-over', '-f', '-'], files(task('web'), task('by-hand'))),
    ).toMatchObject({ updated: 2 });
    expect(await json(pruned, '')).toMatchObject({ deleted: 2 });
  });

  it('lets each team apply its own tasks, and admins registries', async () => {
    const { token } = await plinth.client.createToken({ name: 'web', scope: 'write', team: 'web' });
    const web = cliOf(plinth, { token });
    expect(await web(['apply', '-f', '-'], files(task('theirs')))).toMatchObject({ exit: 0 });
    expect(await plinth.client.getTask({ name: 'theirs' })).toMatchObject({ team: 'web' });
    const foreign = await web(['apply', '-f', '-'], files(task('theirs'), task('app')));
    expect(foreign).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/Task app\).*belongs to the team "default"/),
    });
    expect((await web(['apply', '-f', '-'], files(registry('x.invalid')))).exit).toBe(4);
    await plinth.client.setSecret({ name: 'default-key', value: 'a value' });
    const step = { ...task('theirs').step, arguments: [{ name: 'KEY', isSecret: true, secretRef: 'default-key' }] };
    expect(await web(['apply', '-f', '-'], files(task('theirs', { step })))).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/Task theirs\), step\.arguments\[0\]\.secretRef: .*belongs to the team default/),
    });
    // Its set is its own, though it has the name of another team's.
    expect(await web(['apply', '--prune', '-f', '-'], '')).toMatchObject({ exit: 0 });
    expect(
      (await plinth.client.listTasks({}, { position: plinth.client.position })).tasks.map(({ name }) => name),
    ).toEqual(['app']);
  });

  it('takes files before their secrets are stored, and says which are missing', async () => {
    const credentials = { username: 'robot', password: 'not-yet' };
    const step = { ...task('late').step, arguments: [{ name: 'KEY', isSecret: true, secretRef: 'nor-this@2' }] };
    const both = files({ ...registry('secret.invalid'), credentials }, task('late', { step }));
    const applied = await cli(['apply', '--set', 'later', '-f', '-', '-o', 'json'], both);
    expect(applied).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(/^Not stored yet: not-yet, nor-this\. .*plinth secret set NAME$/m),
    });
    expect(JSON.parse(applied.stdout)).toMatchObject({ missingSecrets: ['not-yet', 'nor-this'] });
    for (const name of ['not-yet', 'nor-this']) await plinth.client.setSecret({ name, value: 'a value' });
    expect(await cli(['apply', '--set', 'later', '-f', '-'], both)).toMatchObject({
      exit: 0,
      stderr: 'Nothing to change.\n2 unchanged.\n',
    });
    // One at a time it is refused: a password that is typed there looks like a name.
    const typed = ['registry', 'update', 'secret.invalid', '--username', 'robot', '--password', 'hunter2'];
    const refused = await cli(typed);
    expect(refused).toMatchObject({ exit: 5, stderr: expect.stringMatching(/plinth secret set NAME/) });
    expect(refused.stderr).not.toContain('hunter2');
    expect((await cli(['apply', '--set', 'later', '--prune', '-f', '-'], '')).exit).toBe(0);
  });

  it('takes what az prints as it is, and says task by task what is lost', async () => {
    const file = join(process.cwd(), 'test/data/acr/task-list.json');
    const { stdout, stderr, exit } = await cli(['apply', '-f', file]);
    expect({ exit, created: stdout.match(/Created/g)?.length }).toEqual({ exit: 0, created: 7 });
    expect(stderr).toMatch(/12 tasks of Azure Container Registry: 3 complete, 4 with something lost, 5 left out\./);
    expect(stderr).toMatch(/helloworld: carried over, but for this\n {2}step\.arguments\[1\]\.value: /);
    expect(stderr).toMatch(/windows-web: left out/);
    expect(await json(['apply', '-f', file])).toMatchObject({ unchanged: 7 });
    const { stdout: yaml } = await cli(['import', 'acr', '-f', file]);
    expect((await cli(['diff', '-f', '-'], yaml)).exit).toBe(0);
    const report = await json(['import', 'acr', '-f', file]);
    expect((report['acr'] as { outcome: string }[]).filter(({ outcome }) => outcome === 'LeftOut')).toHaveLength(5);
  });

  it('makes policies of files too, after registries and before tasks, and refuses those that tie', async () => {
    const careful = policy('hub', { preset: 'careful', minimumAge: '72h', allow: ['hub.invalid/team/*'] });
    const own = policy('own', { match: ['*'], anomalies: 'Hold' });
    const all = files(task('careful-app'), own, careful, registry('hub.invalid'));
    const made = await json(['apply', '-f', '-'], all);
    expect(made.resources.map(({ type, name, action }) => `${action} ${type} ${name}`)).toEqual([
      'Created Registry hub.invalid',
      'Created Policy own',
      'Created Policy hub',
      'Created Task careful-app',
    ]);
    expect(await json(['apply', '-f', '-'], all)).toMatchObject({ created: 0, unchanged: 4 });
    const tie = await cli(
      ['apply', '-f', '-'],
      files(policy('other', { match: ['hub.invalid/x/*', 'hub.invalid/*'] })),
    );
    expect(tie).toMatchObject({
      exit: 5,
      stderr: expect.stringMatching(/document 1 \(Policy other\), match\[1\]: .*hub\.invalid\/\* of the policy hub/),
    });
    const changed = await cli(['diff', '-f', '-'], files(policy('hub', { preset: 'careful', minimumAge: '24h' })));
    expect(changed.stdout).toBe(
      '~ Policy hub\n    minimumAge: "72h" → "24h"\n    allow: ["hub.invalid/team/*"] → (absent)\n',
    );
  });

  it('exports what an empty Plinth becomes the same by', async () => {
    const seen = events();
    const { stdout: all } = await cli(['export']);
    const there = cliOf(second);
    expect(await there(['apply', '-f', '-'], all)).toMatchObject({ exit: 0 });
    expect((await there(['export'])).stdout).toBe(all);
    expect(await there(['diff', '-f', '-'], all)).toMatchObject({ exit: 0, stdout: '' });
    expect(await cli(['diff', '-f', '-'], all)).toMatchObject({ exit: 0, stdout: '' });
    expect((await cli(['export', '--team', 'default', '--type', 'task', '-o', 'name'])).stdout).toMatch(/^Task\/app\n/);

    const schema = (await (await fetch(`${plinth.url}/schemas/v1/resource.json`)).json()) as object;
    const valid = new Ajv2020({ strict: false }).compile(schema);
    const documents = parseAllDocuments(all).map((one) => one.toJS() as unknown);
    expect(documents.length).toBeGreaterThan(6);
    for (const document of documents) expect(valid(document), JSON.stringify(valid.errors)).toBe(true);
    expect(valid({ ...head, type: 'Task', name: 'x' })).toBe(false);
    expect(events()).toBeGreaterThanOrEqual(seen);
  });
});
