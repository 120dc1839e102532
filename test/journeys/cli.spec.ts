import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, repositoryRoot } from '#libs/testing';
import { Cli, normalised, type CliResult } from '../support/cli.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

describe('plinth, the command line', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let cli: Cli;
  let base: string;
  /** What differs from one time to the next, by name. */
  const names: Record<string, string> = {};

  /** What a command prints, comparable. */
  const golden = async (...args: readonly string[]): Promise<string> => {
    const text = await cli.ok(...args);
    return normalised(text, names).trimEnd();
  };
  const nameRun = async (name: string, task: string): Promise<string> => {
    const { runs } = await plinth.client.listRuns({ task, pageSize: 1 });
    const id = runs[0]!.runId;
    names[id] = name;
    return id;
  };

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    cli = await Cli.for(plinth);
    base = `${registry.host}/base:1`;
    names[registry.host] = 'REGISTRY';
    names[plinth.url] = 'SERVER';
    await registry.push('base', '1', 'first');
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
    await cli?.close();
  });

  it('says what to do while there is nothing', async () => {
    expect((await cli.run(['task', 'list'])).stderr).toBe(
      'There is no task yet. Make one: plinth task create --help\n',
    );
    expect(await cli.json('task', 'list')).toEqual([]);
    expect(await golden('status')).toMatchInlineSnapshot(`
      "Server:  SERVER
      Tasks:  none yet
      Runs:  0 running, 0 queued
      Open waves:  0
      Policy:  preset acr
      Registries:  none known"
    `);
  });

  it('makes a registry known, tries it, and shows it', async () => {
    await cli.ok('registry', 'add', registry.host, '--scheme', 'http', '--kind', 'distribution', '--poll', '1');
    expect(await golden('registry', 'test', registry.host)).toMatchInlineSnapshot(`
      "Registry:  REGISTRY
      Result:  ok
      Answer:  REGISTRY answers at http://REGISTRY; it asks for no login."
    `);
    expect(await golden('registry', 'list')).toMatchInlineSnapshot(`
      "HOST  KIND  SCHEME  LOGIN  NOTIFIES  POLL  WATCHED  LAST ERROR
      REGISTRY  Distribution  http  1s  0"
    `);
    await cli.ok('registry', 'update', registry.host, '--poll', '2');
    expect(await cli.ok('registry', 'show', registry.host, '--jq', '.poll.intervalSeconds')).toBe('2\n');
    await cli.ok('registry', 'add', '127.0.0.1:9', '--scheme', 'http');
    const gone = await cli.run(['registry', 'test', '127.0.0.1:9']);
    expect(gone).toMatchObject({ code: 6, stdout: expect.stringMatching(/Result: {4}problem/) });
    await cli.ok('registry', 'remove', '127.0.0.1:9');
    expect((await cli.run(['registry', 'show', '127.0.0.1:9'])).code).toBe(3);
  });

  it('creates a task of a folder, as .dockerignore leaves it, and builds it', async () => {
    const folder = await cli.files('app', {
      Dockerfile: `FROM ${base}\nCOPY . /app\n`,
      '.dockerignore': '*.log\nsecret\n!kept.log\n',
      'kept.log': 'kept',
      'left.log': 'left',
      'secret/key': 'hidden',
      'code/main': 'hello',
      '.git/config': 'left',
    });
    await symlink('main', join(folder, 'code', 'link'));
    await cli.ok('task', 'create', '-n', 'app', '-r', registry.host, '-t', 'app:1', '-c', folder);
    await plinth.watching('app');
    await plinth.until('tag.adopted', ({ reference }) => reference === base);
    expect(await golden('task', 'list', '-o', 'wide')).toMatchInlineSnapshot(`
      "NAME  PLATFORM  STATUS  SOURCE  TRIGGERS  TEAM  IMAGES  INPUTS  LAST RUN
      app  linux/amd64  Enabled  context DIGEST  BASE_IMAGE  default  REGISTRY/app:1  Known"
    `);
    expect(await golden('why', 'app')).toMatchInlineSnapshot(`
      "app is Unbuilt.
        It was never built. Run it once: plinth task run -n app."
    `);
    const run = await cli.run(['task', 'run', 'app']);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Run ID: \S+ was successful/) });
    await nameRun('RUN1', 'app');
    // What is given is what is there: the same files give the same context, and so the same definition.
    const again = await cli.run(['task', 'update', 'app', '-c', folder, '--json', 'step']);
    expect((JSON.parse(again.stdout) as { step: { contextPath: string } }).step.contextPath).toBe(
      (await plinth.client.getTask({ name: 'app' })).step.contextPath,
    );
    expect(
      await golden(
        'runs',
        'show',
        Object.keys(names).find((id) => names[id] === 'RUN1')!,
      ),
    ).toMatchInlineSnapshot(`
      "Run:  RUN1
      Task:  app
      Team:  default
      Status:  Succeeded
      Platforms:  linux/amd64
      Because:  run by first-admin
      Created:  TIME
      Started:  TIME
      Finished:  TIME
      Duration:  DURATION
      Source:  sha256:DIGEST
      Built on:  REGISTRY/base:1@DIGEST (base)
      Pushed:  REGISTRY/app:1@DIGEST
      Attempts:  1 Succeeded on BUILDER by docker-buildx (oci)"
    `);
  });

  it('shows what a moved base makes stale, why, and what came of it', async () => {
    const seen = plinth.feed.events.length;
    const after = String(plinth.feed.events.at(-1)!.position);
    const wave = cli.run(['events', '--types', 'wave', '--after', after, '--limit', '1', '-o', 'json']);
    await registry.push('base', '1', 'second');
    const opened = JSON.parse((await wave).stdout) as { subject: string };
    names[opened.subject] = 'WAVE';
    const watched = await cli.run(['wave', 'watch', opened.subject, '--timeout', '1m']);
    expect(watched.code, watched.stderr).toBe(0);
    const { data } = await plinth.until('run.queued', ({ task }) => task === 'app', seen);
    names[data.run] = 'RUN2';
    await plinth.state('app', 'Fresh');
    expect(await golden('runs', 'list', '--task', 'app')).toMatchInlineSnapshot(`
      "RUN ID  TASK  PLATFORM  STATUS  TRIGGER  STARTED  DURATION
      RUN2  app  linux  Succeeded  Image Update  TIME  DURATION
      RUN1  app  linux  Succeeded  Manual  TIME  DURATION"
    `);
    expect(await golden('wave', 'show', opened.subject)).toMatchInlineSnapshot(`
      "Wave:  WAVE
      Image:  REGISTRY/base:1
      Moved:  DIGEST → DIGEST, seen by Poll
      Opened:  TIME
      Closed:  TIME
      Took:  DURATION
      Touches:  1 task on 1 level
      Tasks:  1 built

      LEVEL  TASK  STATUS  RUN
      1  app  Built  RUN2"
    `);
    expect(await golden('wave', 'list')).toMatchInlineSnapshot(`
      "WAVE  IMAGE  TO  OPENED  STATE  DONE  FAILED  TOOK
      WAVE  REGISTRY/base:1  DIGEST  TIME  closed  1/1  0  DURATION"
    `);
    expect(await golden('why', `${registry.host}/app:1`)).toMatchInlineSnapshot(`
      "REGISTRY/app:1 is Fresh.
        app was built by run RUN2 because REGISTRY/base:1 moved DIGEST → DIGEST at MOMENT, found by polling."
    `);
    expect(await golden('image', 'history', base)).toMatchInlineSnapshot(`
      "DIGEST  SINCE  SEEN BY  RUN  ADOPTED
      DIGEST  TIME  Poll  yes
      DIGEST  TIME  Watch"
    `);
    expect(await golden('image', 'list')).toMatchInlineSnapshot(`
      "IMAGE  DIGEST  STATE  SINCE  LAST LOOK
      REGISTRY/base:1  DIGEST  ok  TIME  TIME"
    `);
    expect(await golden('graph', base)).toMatchInlineSnapshot(`
      "TASK  STANDS ON  AS  TRACKED  STATE
      └─ app  REGISTRY/base:1  base  yes  Fresh"
    `);
    expect(await golden('graph', 'app', '--up')).toMatchInlineSnapshot(`
      "STANDS ON  AS  TRACKED  USED  ADOPTED  BUILT BY
      └─ REGISTRY/base:1  base  yes  DIGEST  DIGEST"
    `);
    expect(await golden('status')).toMatchInlineSnapshot(`
      "Server:  SERVER
      Tasks:  1: 1 Fresh
      Runs:  0 running, 0 queued
      Open waves:  0
      Policy:  preset acr
      Registries:  1 registry"
    `);
  });

  it('fails on what is stale, when asked to, and lists it for its team', async () => {
    await cli.ok('task', 'update', 'app', '--base-image-trigger-enabled', 'False');
    const moved = plinth.feed.events.length;
    await registry.push('base', '1', 'third');
    await plinth.until('tag.adopted', ({ reference }) => reference === base, moved);
    await plinth.state('app', 'Blocked');
    expect(await cli.run(['stale', '--fail-on-stale', '-o', 'name'])).toMatchObject({ code: 6, stdout: 'app\n' });
    expect(await golden('stale')).toMatchInlineSnapshot(`
      "TASK  STATE  WHY
      app  Blocked  REGISTRY/base:1 moved DIGEST → DIGEST at MOMENT, found by polling. Its base image trigger is off: turn it on, or run it by hand."
    `);
    expect(await cli.run(['stale', '--fail-on-stale', '--team', 'others'])).toMatchObject({ code: 0, stdout: '' });
    await cli.ok('task', 'run', 'app', '--no-logs');
    await plinth.state('app', 'Fresh');
    expect(await cli.run(['stale', '--fail-on-stale'])).toMatchObject({ code: 0, stderr: 'Nothing is stale.\n' });
  });

  it('builds once without a task, and exits by the result', async () => {
    const folder = await cli.files('once', {
      Dockerfile: `FROM ${base}\nARG WHAT\nRUN echo "$WHAT" > /said && cat /said\n`,
      'Dockerfile.bad': `FROM ${base}\nRUN exit 7\n`,
    });
    const image = `${registry.host}/once:1`;
    const built = await cli.run(['build', folder, '-t', image, '--build-arg', 'WHAT=hello-from-once', '-o', 'json']);
    expect(built.code, built.stderr).toBe(0);
    // The log is beside the data, not in it.
    expect(built.stderr).toContain('hello-from-once');
    expect(JSON.parse(built.stdout)).toMatchObject({
      status: 'Succeeded',
      task: null,
      outputs: [{ reference: image }],
    });
    expect(await registry.digestOf('once', '1')).not.toBeNull();

    const local = await cli.run(['build', folder, '--no-push', '-f', 'Dockerfile.bad']);
    expect(local).toMatchObject({ code: 1, stdout: expect.stringMatching(/failed after .* Failed: /) });
    const [id] = /^\S+/.exec(await cli.ok('runs', 'list', '--limit', '1', '-o', 'name'))!;
    expect((await cli.run(['logs', id])).stdout).toMatch(/exit 7|exit code: 7/);
    expect(await cli.ok('runs', 'logs', id)).toBe(await cli.ok('logs', id));
    const steps: { name: string; status: string; milliseconds: number }[] = await cli.json('runs', 'steps', id);
    expect(steps.map(({ status }) => status)).toContain('Succeeded');
    expect(steps.find(({ name }) => name.includes('exit 7'))).toMatchObject({
      status: 'Failed',
      milliseconds: expect.any(Number),
    });
    expect(await cli.json('task', 'logs', '--run-id', id, '--steps')).toEqual(steps);
    // As az has them.
    expect(await cli.ok('task', 'logs', '--run-id', id)).toContain(await cli.ok('logs', id));
    expect(await cli.json('task', 'show-run', '--run-id', id)).toEqual(await cli.json('runs', 'show', id));
    const retried = await cli.run(['runs', 'retry', id, '--no-logs', '-o', 'name']);
    expect(retried.code).toBe(1);
    expect(retried.stdout.trim()).not.toBe(id);
    expect((await plinth.client.getRun({ run: retried.stdout.trim() })).runErrorMessage).toMatch(/7/);
  });

  it('cancels what waits, and refuses to retry it before it has ended', async () => {
    const folder = await cli.files('waits', { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
    const started = await cli.run(['build', folder, '--no-push', '--agent-pool', 'nobody', '--no-wait']);
    const id = started.stdout.trim();
    expect(await cli.run(['runs', 'retry', id])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('has not ended'),
    });
    const late = await cli.run(['runs', 'show', id, '--wait', '--timeout', '1s']);
    expect(late).toMatchObject({ code: 124, stderr: expect.stringContaining(`plinth logs ${id} -f`) });
    await cli.ok('task', 'cancel-run', '--run-id', id);
    const other = (await cli.ok('build', folder, '--no-push', '--agent-pool', 'nobody', '--no-wait')).trim();
    expect((await cli.run(['runs', 'cancel', other])).stderr).toContain(`Run ${other} has ended: it is Canceled.`);
    const [ofTask] = Object.keys(names).filter((run) => names[run] === 'RUN1');
    await cli.ok('task', 'update', 'app', '--status', 'disabled');
    expect(await cli.run(['runs', 'retry', ofTask!])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('disabled'),
    });
    await cli.ok('task', 'update', 'app', '--status', 'enabled');
    expect(await cli.run(['runs', 'show', id, '--wait', '--timeout', '1m', '--json', 'status'])).toMatchObject({
      code: 2,
      stdout: '{\n  "status": "Canceled"\n}\n',
    });
  });

  it('ends a follow at Ctrl-C, and says how to go on', async () => {
    const interrupt = async (args: string[]) => {
      let sent = false;
      return cli.run(args, {
        onOutput: (child) => {
          if (!sent) child.kill('SIGINT');
          sent = true;
        },
      });
    };
    const last = plinth.feed.events.at(-1)!.position;
    const events = await interrupt(['events', '-f', '--after', String(last - 1)]);
    const seen = /^(\d+) .*\n$/m.exec(events.stdout.split('\n').slice(-2).join('\n'))?.[1];
    expect(Number(seen)).toBeGreaterThanOrEqual(last);
    expect(events).toMatchObject({ code: 2, stderr: expect.stringContaining(`plinth events -f --after ${seen}\n`) });
    const status = await interrupt(['status', '--watch']);
    expect(status).toMatchObject({ code: 2, stderr: expect.stringContaining('plinth status --watch') });
  });

  it('keeps secrets and tokens away from the command line, the output and the task', async () => {
    const value = 'canary-of-the-command-line';
    const stored = await cli.run(['secret', 'set', 'build-key'], { stdin: `${value}\n` });
    expect(stored.code).toBe(0);
    const folder = await cli.files('with-secret', { Dockerfile: 'FROM scratch\nARG KEY\nCOPY Dockerfile /\n' });
    const image = `${registry.host}/with-secret:1`;
    const created = await cli.run(
      [
        'task',
        'create',
        'with-secret',
        '-t',
        image,
        '-c',
        folder,
        '--secret-arg',
        'KEY',
        '--arg',
        'PLAIN',
        '-o',
        'json',
      ],
      { env: { KEY: value, PLAIN: 'from the environment' } },
    );
    expect(created.code, created.stderr).toBe(0);
    expect(created.stdout + created.stderr).not.toContain(value);
    expect((JSON.parse(created.stdout) as { step: { arguments: unknown } }).step.arguments).toEqual([
      { name: 'PLAIN', value: 'from the environment', isSecret: false },
      { name: 'KEY', isSecret: true, secretRef: 'with-secret.KEY' },
    ]);
    expect(await golden('secret', 'list')).toMatchInlineSnapshot(`
      "NAME  VERSION  TEAM  SHARED  SET
      build-key  1  default  no  TIME
      with-secret.KEY  1  default  no  TIME"
    `);
    await cli.ok('secret', 'remove', 'build-key');

    const token = (await cli.ok('token', 'create', 'reader', '--scope', 'read', '--expires', '2099-01-01')).trim();
    expect(await golden('token', 'list')).toMatchInlineSnapshot(`
      "NAME  SCOPE  TEAM  CREATED  EXPIRES
      first-admin  admin  default  TIME  never
      reader  read  default  TIME  TIME"
    `);
    const login = await cli.run(['login', '--context', 'reading'], { stdin: token, env: { PLINTH_TOKEN: '' } });
    expect(login).toMatchObject({ code: 0, stdout: '' });
    const file = join(cli.home, '.config/plinth/contexts.yaml');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain(token);
    const contexts = await cli.run(['ctx', 'list'], { env: { PLINTH_TOKEN: '', PLINTH_SERVER: '' } });
    expect(normalised(contexts.stdout, names).trimEnd()).toMatchInlineSnapshot(`
      "   NAME  SERVER  TOKEN  REGISTRY
      *  reading  SERVER  stored"
    `);
    // The context's own token, and no other: it may read, and nothing else.
    const asReader = { env: { PLINTH_TOKEN: '', PLINTH_SERVER: '' } };
    expect((await cli.run(['task', 'list', '-o', 'name'], asReader)).stdout).toBe('app\nwith-secret\n');
    expect(await cli.run(['task', 'delete', 'app'], asReader)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/scope `read`.*\nNext: /),
    });
    await cli.ok('token', 'revoke', 'reader');
    expect(await cli.run(['task', 'list'], asReader)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('plinth login'),
    });
    // Another context, and back.
    const own = { env: { PLINTH_TOKEN: '', PLINTH_SERVER: '' } };
    expect((await cli.run(['ctx', 'add', 'away', '--server', 'http://127.0.0.1:9'])).code).toBe(0);
    await cli.ok('ctx', 'use', 'away');
    expect((await cli.run(['task', 'list'], own)).stderr).toContain('http://127.0.0.1:9 cannot be reached');
    expect((await cli.run(['ctx', 'use', 'nowhere'])).code).toBe(3);
    await cli.ok('ctx', 'remove', 'away');
    await cli.ok('ctx', 'remove', 'reading');
  });

  it('reads what the command before it wrote', async () => {
    const folder = await cli.files('quick', { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
    for (const name of ['quick-1', 'quick-2', 'quick-3']) {
      await cli.ok('task', 'create', '-n', name, '-t', `${registry.host}/${name}:1`, '-c', folder);
      expect(await cli.ok('why', name)).toContain(name);
      await cli.ok('task', 'delete', name, '-y');
      expect((await cli.run(['why', name])).code).toBe(3);
    }
  });

  it('prints what would be sent, and sends nothing', async () => {
    const before = (await plinth.client.explain({ task: 'app' })).position;
    const dry = await cli.run(['task', 'update', 'app', '--timeout', '600', '--dry-run']);
    expect(dry).toMatchObject({ code: 0, stderr: 'Nothing was sent: this is what would be.\n' });
    expect(JSON.parse(dry.stdout)).toEqual({ name: 'app', timeout: 600 });
    await cli.ok('task', 'delete', 'app', '--dry-run');
    await cli.ok('token', 'create', 'x', '--scope', 'admin', '--dry-run');
    await cli.ok('registry', 'remove', registry.host, '--dry-run');
    const secret = await cli.run(['secret', 'set', 'fresh', '--dry-run'], { stdin: 'hidden-canary' });
    expect(JSON.parse(secret.stdout)).toEqual({ name: 'fresh', value: '•••' });
    const login = await cli.run(['login', '--context', 'fresh', '--dry-run'], { stdin: plinth.token });
    expect(JSON.parse(login.stdout)).toMatchObject({ name: 'fresh', token: 'stored' });
    expect(`${login.stdout}${login.stderr}`).not.toContain(plinth.token);
    await cli.ok('ctx', 'add', 'fresh', '--server', 'http://127.0.0.1:1', '--dry-run');
    await cli.ok('image', 'look', `${registry.host}/base:1`, '--dry-run');
    const { runs } = await plinth.client.listRuns({ pageSize: 1 });
    for (const verb of ['cancel', 'retry']) await cli.ok('runs', verb, runs[0]!.runId, '--dry-run');
    await cli.ok('task', 'reset', 'app', '--dry-run');
    const refused = await cli.run(['registry', 'update', registry.host, '--endpoint', '-', '--dry-run']);
    expect(refused.code).toBe(2);
    expect((await plinth.client.explain({ task: 'app' })).position).toBe(before);
    expect((await plinth.client.listTokens()).tokens.map(({ name }) => name)).toEqual(['first-admin']);
    expect((await plinth.client.listSecrets()).secrets.map(({ name }) => name)).not.toContain('fresh');
    expect((await cli.run(['ctx', 'list', '-o', 'name'])).stdout).not.toContain('fresh');
  });

  it('finds what is wrong, and says what to do', async () => {
    const well = await cli.run(['doctor']);
    expect(normalised(well.stdout, names).trimEnd()).toMatchInlineSnapshot(`
      "CHECK  RESULT  LOOKED AT
      cli files  ok  who can read the contexts and the first token
      cli connection  ok  how the server is reached
      standalone files  ok  who can read the key file, the first token and the data
      standalone ports  ok  which addresses are listened on
      standalone log  ok  the nats-server: its version, its streams
      standalone clock  ok  the clock beside that of the nats-server
      standalone registries  ok  each known registry: whether it answers, and takes our login
      standalone images  ok  each watched image: whether it has offered every platform for the last hours
      standalone polling  ok  each polled registry: whether it is left alone now, or counts looks as pulls
      standalone docker-hub  ok  whether lists of tags at Docker Hub can be read, where many tags are watched
      standalone outputs  ok  each tag that tasks push: whether it is one task, and nobody else
      standalone pools  ok  each pool that a task names: whether a builder works for it
      standalone builder  ok  the engine: whether it can build, and what keeps builds apart
      clock  ok  the clock of the server beside that of this machine"
    `);
    expect(well).toMatchObject({ code: 0, stderr: 'Nothing is wrong.\n' });

    const key = join(plinth.data, 'data/plinth.key');
    await chmod(key, 0o644);
    await cli.ok('registry', 'add', '127.0.0.1:9', '--scheme', 'http');
    await cli.ok('task', 'update', 'with-secret', '--agent-pool', 'nobody');
    await mkdir(join(cli.home, '.config/plinth'), { recursive: true });
    const contexts = join(cli.home, '.config/plinth/contexts.yaml');
    await writeFile(contexts, 'contexts: {}\n');
    await chmod(contexts, 0o644);
    const ill = await cli.run(['doctor', '-o', 'json']);
    expect(ill.code).toBe(6);
    const { findings } = JSON.parse(ill.stdout) as { findings: { code: string; next: string }[] };
    expect(findings.map(({ code }) => code).sort()).toEqual([
      'FILE_EXPOSED',
      'FILE_EXPOSED',
      'NO_BUILDER',
      'REGISTRY_UNUSABLE',
    ]);
    expect(findings.map(({ next }) => next)).toContain(`chmod 600 ${key}`);
    await chmod(key, 0o600);
    await chmod(contexts, 0o600);
    await cli.ok('registry', 'remove', '127.0.0.1:9');
    const away = await cli.run(['doctor', '--server', 'http://127.0.0.1:9', '-o', 'json']);
    expect(away).toMatchObject({ code: 6, stdout: expect.stringContaining('UNREACHABLE') });
  });

  it('completes words in bash with names from the server', async () => {
    const complete = async (line: string): Promise<string[]> => {
      const script = `
        source <(plinth completion bash)
        COMP_LINE=$LINE COMP_POINT=\${#LINE}
        # bash's own breaks, and what it does with them
        read -ra COMP_WORDS <<< "$(sed 's/\\([:=]\\)/ \\1 /g' <<< "$LINE")"
        [[ $LINE == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
        _plinth
        printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { code, stdout, stderr } = await cli.shell(script, { env: { LINE: line } });
      expect(code, stderr).toBe(0);
      return stdout.trim().split('\n');
    };
    expect(await complete('plinth task sh')).toEqual(['show', 'show-run']);
    expect(await complete('plinth task show ')).toEqual(['app', 'with-secret']);
    expect(await complete('plinth task show -n wi')).toEqual(['with-secret']);
    expect(await complete('plinth registry show 127')).toEqual([registry.host]);
    // Behind the colon, as bash wants it.
    expect(await complete(`plinth image show ${base.slice(0, -3)}`)).toEqual([base.split(':').slice(1).join(':')]);
    expect(await complete('plinth task list --te')).toEqual(['--team']);
    expect(await complete('plinth task list -o js')).toEqual(['json']);
    expect(await complete('plinth completion ')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('runs by npx in a clone, whatever Node npm runs on', async () => {
    const npx = spawn('npx', ['--no-install', 'plinth', 'task', 'list', '-o', 'name'], {
      cwd: repositoryRoot,
      env: { ...cli.env, PATH: process.env['PATH'], npm_config_update_notifier: 'false' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    npx.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    expect(await once(npx, 'close')).toEqual([0, null]);
    expect(stdout).toBe('app\nwith-secret\n');
  });

  it('starts Plinth in the foreground, finds its token, and Ctrl-C ends it in good order', async () => {
    const [http, data] = [await freePort(), join(cli.home, 'up')];
    const env = { PLINTH_DATA: data, PLINTH_HTTP_PORT: String(http), PLINTH_GRPC_PORT: '0', PLINTH_TOKEN: '' };
    const server = `http://127.0.0.1:${http}`;
    let asked: Promise<CliResult> | undefined;
    const up = await cli.run(['up'], {
      env,
      onOutput: (child, stdout) => {
        if (!stdout.includes('Plinth is ready.')) return;
        const token = ['--token-file', join(data, 'admin.token')];
        asked ??= cli
          .run(['task', 'list', '-o', 'json', '--server', server, ...token])
          .finally(() => child.kill('SIGINT'));
      },
    });
    expect(up.code, up.stderr).toBe(0);
    expect(await asked).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  it('prints for programs: JSON of the API, YAML, names, values with tabs, through jq', async () => {
    const task = await plinth.client.getTask({ name: 'app' });
    expect(await cli.json('task', 'show', 'app')).toEqual(JSON.parse(JSON.stringify(task)));
    expect(await cli.ok('task', 'list', '--json', 'name,team', '--jq', '.[] | .name + "@" + .team')).toBe(
      'app@default\nwith-secret@default\n',
    );
    expect(await cli.ok('task', 'show', 'app', '--query', 'step.imageNames[0]', '-o', 'tsv')).toBe(
      `${registry.host}/app:1\n`,
    );
    expect(await cli.ok('task', 'show', 'app', '-o', 'yaml')).toContain('name: app\n');
    expect(await cli.run(['task', 'show', 'nobody', '-o', 'json'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/^\{"error":\{"exit":3,"code":"NOT_FOUND"/),
    });
    expect(await cli.run(['task', 'list', '--json', 'colour'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('name'),
    });
  });
});
