import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../apps/cli/src/run.js';
import { Cli } from '../support/cli.js';
import { Plinth } from '../support/plinth.js';

/** Values that cannot stand behind an option of a kind. */
const bad = {
  count: ['', 'x', '-1', '0', '1.5', '1e3', ' 5', '99999999999', 'NaN', '0x10'],
  seconds: ['', 'x', '-300', '299', '28801', '10m', '300.5', 'Infinity'],
  time: ['', 'x', '0', '0s', '-5', '10', '10 m', '1d', 'm', '5h10', '1.5h'].filter((one) => one !== '10'),
  host: ['', 'http://a.test', 'a b', 'a/b', '-a.test', 'a.test:port', 'a.test:123456', 'a_b', 'a.test/x:1'],
  endpoint: ['', '-', 'http://a.test', 'a b', 'a.test:port', 'a.test/x', 'a_b:1'],
  url: ['', 'x', 'localhost:7460', 'ftp://a.test', 'http://', 'http://user@a.test', 'http://a.test?x=1', 'https://a b'],
  task: ['', 'a b', 'a/b', '-a', 'a-', 'ä', 'a.b', 'x'.repeat(64)],
  run: ['', 'A', '1a', 'a b', 'a/b', '../x', 'ä'],
  access: ['', '-a', 'a b', 'a/b', '.a', 'x'.repeat(64)],
  platform: ['', 'plan9/amd64', 'linux/', 'linux/AMD 64', '/amd64', 'linux/arm/v7/x', 'a b'],
  truth: ['', 'yes', '1', 'on', 'tru', 'enabled'],
  status: ['', 'on', 'enable', 'True'],
  pair: ['', '=x', '1=x', 'a b=x', '-x=1', 'ä=1'],
  secretRef: ['', 'a b', 'env:', 'env:1x', 'file:x', 'file:', 'name@', 'name@x', 'https://x'],
  format: ['', 'xml', 'JSON', 'jsonpath', 'csv'],
  fields: ['', 'a b', 'a,,b', 'a.b', '1a', ','],
  image: ['', ' '],
} as const;
type Kind = keyof typeof bad;

/** A valid command line, and its options with the kind of their value. */
const commands: readonly [string, Partial<Record<string, Kind>>][] = [
  [
    'task create -n new -t r.test/x:1 -c https://git.test/x.git',
    {
      '--timeout': 'seconds',
      '--cpu': 'count',
      '--platform': 'platform',
      '--arg': 'pair',
      '--secret-arg': 'pair',
      '--status': 'status',
      '--base-image-trigger-enabled': 'truth',
      '--base-image-trigger-type': 'status',
      '--commit-trigger-enabled': 'truth',
      '--no-push': 'truth',
      '--no-cache': 'truth',
      '--team': 'access',
      '--tag': 'pair',
      '--image': 'image',
      '--registry': 'host',
      '-o': 'format',
    },
  ],
  ['task create -t r.test/x:1 -c https://git.test/x.git', { '--name': 'task' }],
  [
    'task update app',
    {
      '--timeout': 'seconds',
      '--cpu': 'count',
      '--platform': 'platform',
      '--arg': 'pair',
      '--secret-arg': 'pair',
      '--status': 'status',
      '--base-image-trigger-enabled': 'truth',
      '--base-image-trigger-type': 'status',
      '--no-push': 'truth',
      '--no-cache': 'truth',
    },
  ],
  ['task run app --no-wait', { '--timeout': 'time', '--arg': 'pair', '--secret-arg': 'pair', '-o': 'format' }],
  ['task list', { '--team': 'access', '--limit': 'count', '--json': 'fields', '--server': 'url', '-o': 'format' }],
  ['task list-runs', { '--top': 'count', '--name': 'task', '--run-status': 'status' }],
  ['task show', { '--name': 'task' }],
  ['task delete', { '--name': 'task' }],
  ['task show-run', { '--run-id': 'run' }],
  ['task cancel-run', { '--run-id': 'run' }],
  ['task logs', { '--run-id': 'run', '--name': 'task' }],
  [
    'build https://git.test/x.git -t r.test/x:1 --no-wait',
    {
      '--timeout': 'seconds',
      '--platform': 'platform',
      '--build-arg': 'pair',
      '--secret-build-arg': 'pair',
      '--no-push': 'truth',
      '--team': 'access',
      '--image': 'image',
    },
  ],
  ['runs list', { '--limit': 'count', '--task': 'task', '--status': 'status', '-o': 'format' }],
  ['wave list', { '--limit': 'count' }],
  ['events --limit 1', { '--after': 'task', '--timeout': 'time' }],
  ['image list', { '--registry': 'host', '--limit': 'count' }],
  ['stale', { '--team': 'access', '--limit': 'count', '--json': 'fields' }],
  [
    'registry add new.test',
    {
      '--kind': 'status',
      '--scheme': 'status',
      '--poll': 'count',
      '--ca': 'secretRef',
      '--notifications': 'status',
      '--endpoint': 'endpoint',
    },
  ],
  ['registry add new.test --username u', { '--password': 'secretRef' }],
  ['registry add new.test --notifications distribution', { '--notification-secret': 'secretRef' }],
  ['registry update known.test', { '--poll': 'count', '--scheme': 'status', '--ca': 'secretRef' }],
  ['token create new', { '--scope': 'status' }],
  ['token create new --scope read', { '--team': 'access', '--expires': 'fields' }],
  ['status', { '--server': 'url', '--timeout': 'time' }],
];

/** Command lines that are wrong as a whole. */
const whole: readonly string[][] = [
  ['tsk', 'list'],
  ['task', 'lst'],
  ['task'],
  ['runs'],
  ['wave', 'show'],
  ['task', 'list', 'extra'],
  ['task', 'list', '--nope'],
  ['task', 'list', '--nope=1'],
  ['task', 'list', '-x'],
  ['task', 'list', '--limit'],
  ['task', 'show'],
  ['task', 'show', 'a', '-n', 'b'],
  ['task', 'show', 'app', '--jq', '.['],
  ['task', 'show', 'app', '--jq', 'nope('],
  ['task', 'show', 'app', '--query', 'a | b'],
  ['task', 'show', 'app', '--query', ''],
  ['task', 'show', 'app', '--query', '[?a]'],
  ['task', 'show', 'app', '--json', 'nope'],
  ['task', 'show', 'app', '-o', 'yaml', '--json', 'name'],
  ['task', 'show', 'app', '--jq', '.a', '--query', 'a'],
  ['task', 'show', 'app', '--context', 'nowhere'],
  ['task', 'show', 'app', '--token-file', '/nowhere/token'],
  ['task', 'show', 'app', '--token-file', '/'],
  ['task', 'create'],
  ['task', 'create', '-n', 'new'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'x:1'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'x:1', '-r', 'nowhere'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/UPPER:1'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:{{.Run.Nope}}'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git'],
  ['task', 'create', '-n', 'new', '-c', 'ssh://nope', '-t', 'r.test/x:1'],
  ['task', 'create', '-n', 'new', '-c', '/nowhere', '-t', 'r.test/x:1'],
  ['task', 'create', '-n', 'new', '-c', '/dev/null', '-t', 'r.test/x:1'],
  ['task', 'create', '-n', 'new', '-c', '/etc/hostname', '-t', 'r.test/x:1'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '-f', 'acb.yaml'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--cmd', 'bash'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--schedule', '0 0 * * *'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--set', 'a=b'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--values', 'v.yaml'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--is-system-task'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--log-template', 'x'],
  [
    'task',
    'create',
    '-n',
    'new',
    '-c',
    'https://git.test/x.git',
    '-t',
    'r.test/x:1',
    '--commit-trigger-enabled',
    'True',
  ],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--pull-request-trigger-enabled'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--secret-arg', 'UNSET_VARIABLE'],
  ['task', 'create', '-n', 'new', '-c', 'https://git.test/x.git', '-t', 'r.test/x:1', '--git-access-token', 'env:'],
  ['task', 'update', 'app'],
  ['task', 'update', 'app', '-t', 'r.test/x:{{.Nope}}'],
  ['task', 'run'],
  ['task', 'run', 'app', '--secret-arg', 'A=plain'],
  ['task', 'run', 'app', '--secret-arg', 'A=secret:not-of-the-task'],
  ['task', 'credential', 'add', '-n', 'app', '--login-server', 'known.test'],
  ['task', 'credential', 'add', '-n', 'app', '--login-server', 'known.test', '-u', 'x'],
  ['build'],
  ['build', '/nowhere', '-t', 'r.test/x:1'],
  ['build', '-', '-t', 'r.test/x:1'],
  ['build', 'https://git.test/x.git', '-t', 'x:1'],
  ['build', 'https://git.test/x.git', '-t', 'r.test/UPPER:1'],
  ['build', 'https://git.test/x.git', '-f', 'task.yaml', '-t', 'r.test/x:1'],
  ['build', 'https://git.test/x.git', '-t', 'r.test/x:1', '--secret-build-arg', 'A=plain'],
  ['run', 'x'],
  ['pack', 'build', '.'],
  ['events'],
  ['events', '--limit', '1', '--types', 'nope'],
  ['events', '--limit', '1', '--after', '99999999'],
  ['why'],
  ['why', 'app', '--kind', 'nope'],
  ['graph'],
  ['graph', 'app', '--up', '--down'],
  ['graph', 'r.test/UPPER CASE:1'],
  ['image', 'show', 'r.test/UPPER CASE:1'],
  ['registry', 'add'],
  ['registry', 'add', 'http://r.test'],
  ['registry', 'add', 'new.test', '--username', 'u'],
  ['registry', 'add', 'new.test', '--notification-secret', 's'],
  ['registry', 'add', 'new.test', '--notifications', 'github'],
  ['registry', 'add', 'new.test', '--notifications', 'google', '--notification-audience', 'plinth'],
  ['registry', 'add', 'new.test', '--notifications', 'quay', '--notification-key-hash', 'the-key-itself'],
  ['registry', 'add', 'new.test', '--notification-rewrite', 'docker-local/=docker/'],
  ['registry', 'add', 'new.test', '--notification-rewrite', 'docker-local/'],
  ['registry', 'connect'],
  ['registry', 'connect', 'known.test', '--dialect', 'quay'],
  ['registry', 'update', 'known.test'],
  ['token', 'create', 'new'],
  ['token', 'create', 'new', '--scope', 'read', '--expires', '2001-01-01'],
  ['secret', 'set'],
  ['secret', 'set', 'new'],
  ['secret', 'set', 'new', '-f', '/nowhere'],
  ['secret', 'set', 'new', 'the-value-itself'],
  ['secret', 'set', 'a/b'],
  ['ctx', 'add', 'x'],
  ['ctx', 'add', 'a b', '--server', 'http://a.test'],
  ['login', '--token-file', '/nowhere'],
  ['login'],
  ['completion'],
  ['completion', 'tcsh'],
];

const cases: readonly (readonly string[])[] = commands.flatMap(([line, options]) =>
  Object.entries(options).flatMap(([option, kind]) =>
    bad[kind!].map((value) => [
      ...line.split(' '),
      // The value of a short option stands apart.
      ...(option.startsWith('--') ? [`${option}=${value}`] : [option, value]),
    ]),
  ),
);

describe('what cannot be', () => {
  let plinth: Plinth;
  let cli: Cli;

  beforeAll(async () => {
    plinth = await Plinth.start();
    cli = await Cli.for(plinth);
    await plinth.client.createRegistry({ host: 'known.test' });
    await plinth.task('app', { files: 'FROM scratch\n', image: 'r.test/app:1', agentPoolName: 'nobody' });
    await plinth.until('task.scanned', ({ task }) => task === 'app');
  });
  afterAll(async () => {
    await plinth?.close();
    await cli?.close();
  });

  const run = async (argv: readonly string[]) => {
    let [stdout, stderr] = ['', ''];
    const code = await runCli(argv, {
      stdin: Readable.from([]),
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      env: { ...cli.env, XDG_CONFIG_HOME: `${cli.home}/config` },
      cwd: cli.home,
      interrupted: new AbortController().signal,
    });
    return { code, stdout, stderr };
  };

  it(`is refused with what was expected, by exit code 2, and changes nothing (${cases.length + whole.length} command lines)`, async () => {
    expect(cases.length + whole.length).toBeGreaterThan(500);
    const { client } = plinth;
    await client.updateTask({ name: 'app', timeout: 700 });
    const before = client.position;
    const wrong: string[] = [];
    for (const argv of [...cases, ...whole]) {
      const { code, stdout, stderr } = await run(argv);
      const said = `plinth ${argv.map((word) => JSON.stringify(word)).join(' ')} → ${code}\n${stdout}${stderr}`;
      // With --json and its like an error is JSON, too.
      const isSaid = /^plinth: \S/m.test(stderr) || /^\{"error":\{"exit":2,.*"message":"\S/m.test(stderr);
      const isClear = isSaid && !/\n\s+at |undefined|\[object|TypeError|node_modules/.test(stderr);
      if (code !== 2 || stdout !== '' || !isClear) wrong.push(said);
    }
    expect(wrong).toEqual([]);

    await client.updateTask({ name: 'app', timeout: 800 });
    const after = client.position;
    const events: string[] = [];
    for await (const { position, type, subject } of client.watchEvents({ after: before })) {
      events.push(`${type} ${subject}`);
      if (position >= after) break;
    }
    expect(events.filter((event) => event !== 'task.scanned app')).toEqual(['task.updated app']);
    expect((await client.listTokens()).tokens).toHaveLength(1);
    expect((await client.listSecrets()).secrets).toEqual([]);
  });

  it('names the option, what was expected, and where help is', async () => {
    expect((await run(['task', 'update', 'app', '--timeout', '5'])).stderr).toBe(
      "plinth: Option '--timeout <seconds>' argument '5' is invalid. expected a whole number of seconds from 300 to 28800.\n" +
        'Next: plinth task update --help\n',
    );
    expect((await run(['task', 'list', '--lmit', '5'])).stderr).toBe(
      "plinth: Unknown option '--lmit' (Did you mean --limit?)\nNext: plinth task list --help\n",
    );
    expect((await run(['task', 'create', '-n', 'x', '-c', 'https://g.test/x.git', '-t', 'r.test/A:1'])).stderr).toMatch(
      /^plinth: The task x cannot be taken: r\.test\/A:1: .*\n {2}step\.imageNames\[0\]: /,
    );
  });
});
