import { execFile } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cli } from '../support/cli.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

const run = promisify(execFile);

/** Where a program of the tests is. @throws Error that says what to do */
const programAt = (name: string): string => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // in another folder
    }
  }
  throw new Error(`${name} is missing: the tests use it. "npm run tools" fetches it.`);
};

/** Settings of zsh, as somebody has them who followed `plinth completion zsh`; its own files are where it was unpacked. */
const zshHome = async (cli: Cli): Promise<string> => {
  const [, unpacked] = /^(.*\/packages\/[^/]+)\//.exec(realpathSync(programAt('zsh'))) ?? [];
  const own = `module_path=(${unpacked}/usr/lib/*/zsh/*(/N))\nfpath=(${unpacked}/usr/share/zsh/functions/**/*(/N))\n`;
  return cli.files('zsh', {
    '.zshenv': `${unpacked === undefined ? '' : own}unsetopt global_rcs\n`,
    '.zshrc': "PS1='$ '\nautoload -Uz compinit\ncompinit -u -D\nsource <(plinth completion zsh)\n",
  });
};

/** Longest wait for what has to appear; only what never does takes so long. */
const patienceMs = 20_000;

/** A terminal in which a shell runs, by tmux: what a person sees, and the keys that are pressed. */
class Terminal {
  private constructor(
    private readonly socket: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async open(cli: Cli, name = 'tmux', { shell = 'bash --norc --noprofile', env = {} } = {}): Promise<Terminal> {
    programAt('tmux');
    const terminal = new Terminal(join(cli.home, name), {
      ...process.env,
      ...cli.env,
      TERM: 'xterm-256color',
      ...env,
    });
    // The server that the first command starts keeps its environment.
    await terminal.tmux('-f', '/dev/null', 'new-session', '-d', '-x', '120', '-y', '50', '-c', cli.home, shell);
    await terminal.type("PS1='$ '");
    await terminal.clear();
    return terminal;
  }

  async type(line: string): Promise<void> {
    await this.tmux('send-keys', '-l', line);
    await this.tmux('send-keys', 'Enter');
  }
  /** Types a word, and keys after it. */
  async typed(text: string, ...keys: string[]): Promise<void> {
    await this.tmux('send-keys', '-l', text);
    for (const key of keys) await this.press(key);
  }
  async press(key: string): Promise<void> {
    await this.tmux('send-keys', key);
  }
  async clear(): Promise<void> {
    await this.type('clear');
    await this.until((screen) => screen.trim() === '$', 'an empty screen');
    await this.tmux('clear-history');
  }
  /** The screen and what has left it at the top, with the escape sequences of colours when asked for. */
  async screen(colours = false): Promise<string> {
    return this.tmux('capture-pane', '-p', '-S', '-200', ...(colours ? ['-e'] : []));
  }
  /** Waits until the screen is as wanted; nothing tells when a program has printed. */
  async until(suits: (screen: string) => boolean, what: string): Promise<string> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const screen = await this.screen();
      if (suits(screen)) return screen;
      if (Date.now() > deadline) throw new Error(`${what} has not come:\n${screen}`);
      await delay(50);
    }
  }
  async close(): Promise<void> {
    await this.tmux('kill-server');
  }

  private async tmux(...args: readonly string[]): Promise<string> {
    return (await run('tmux', ['-S', this.socket, ...args], { env: this.env })).stdout;
  }
}

describe('plinth at a terminal', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let cli: Cli;
  let terminal: Terminal;

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    cli = await Cli.for(plinth);
    await registry.push('base', '1', 'first');
    await cli.ok('registry', 'add', registry.host, '--scheme', 'http', '--poll', '3600');
    const folder = await cli.files('app', { Dockerfile: `FROM ${registry.host}/base:1\nCOPY Dockerfile /\n` });
    await cli.ok('task', 'create', '-n', 'app', '-t', `${registry.host}/app:1`, '-c', folder);
    await plinth.watching('app');
    terminal = await Terminal.open(cli);
  });
  afterAll(async () => {
    await terminal?.close();
    await plinth?.close();
    await registry?.close();
    await cli?.close();
  });

  it('shows progress to people, and none of it to a pipe', async () => {
    const folder = await cli.files('once', { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
    await terminal.type(`plinth build ${folder} --no-push; echo "exit $?"`);
    const shown = await terminal.until((screen) => /^exit 0$/m.test(screen), 'the end of the build');
    expect(shown).toMatch(/^Packing 1 file, /m);
    expect(shown).toMatch(/^Run ID: \S+ was successful/m);
    const piped = await cli.run(['build', folder, '--no-push']);
    expect(piped.stderr).not.toMatch(/Packing|Uploaded/);
    await terminal.clear();
  });

  it('colours a status at a terminal alone, and not when told not to', async () => {
    const colourOf = async (command: string): Promise<boolean> => {
      await terminal.type(`${command}; echo "exit $?"`);
      await terminal.until((screen) => /^exit 0$/m.test(screen), 'the table');
      const screen = await terminal.screen(true);
      await terminal.clear();
      // In green, in whatever way tmux writes that attribute.
      const [before = ''] = screen.split('Enabled');
      return /\[[0-9;]*32m\s*$/.test(before);
    };
    expect(await colourOf('plinth task list')).toBe(true);
    expect(await colourOf('plinth task list --no-color')).toBe(false);
    expect(await colourOf('NO_COLOR=1 plinth task list')).toBe(false);
    expect(await colourOf('plinth task list | cat')).toBe(false);
  });

  it('writes a watch over itself, and Ctrl-C ends the watch alone, with how to go on', async () => {
    const { runId } = await plinth.client.scheduleRun({
      type: 'DockerBuildRequest',
      sourceLocation: await plinth.upload({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }),
      isPushEnabled: false,
      agentPoolName: 'nobody',
    });
    await terminal.type(`plinth runs watch ${runId}; echo "exit $?"`);
    await terminal.until((screen) => /^Status: +Queued$/m.test(screen), 'the run');
    await plinth.client.cancelRun({ run: runId });
    const ended = await terminal.until((screen) => /^exit 2$/m.test(screen), 'the end of the run');
    // One block, written over: the state that was before is gone.
    expect(ended.match(/^Run: /gm)).toHaveLength(1);
    expect(ended).toMatch(/^Status: +Canceled$/m);
    await terminal.clear();

    await terminal.type('plinth status --watch; echo "exit $?"');
    await terminal.until((screen) => /^Tasks: /m.test(screen), 'the status');
    await terminal.press('C-c');
    const left = await terminal.until((screen) => /^exit \d+$/m.test(screen), 'the prompt');
    expect(left).toMatch(/^exit 2$/m);
    expect(left).toContain('To go on: plinth status --watch');
    await terminal.clear();

    await terminal.type('plinth task list -o wide -w; echo "exit $?"');
    await terminal.until((screen) => /^app .*Enabled/m.test(screen), 'the task');
    await plinth.client.updateTask({ name: 'app', status: 'Disabled' });
    const changed = await terminal.until((screen) => /^app .*Disabled/m.test(screen), 'the change');
    expect(changed).not.toContain('Enabled');
    await plinth.client.updateTask({ name: 'app', status: 'Enabled' });
    await terminal.until((screen) => /^app .*Enabled/m.test(screen), 'the change back');
    await terminal.press('C-c');
    expect(await terminal.until((screen) => /^exit \d+$/m.test(screen), 'the prompt')).toContain(
      'To go on: plinth task list -o wide -w',
    );
    await terminal.clear();

    // As JSON each answer is a line, for a program that reads as long as it likes.
    await terminal.type('plinth task list -w --json name,status | head -n 2; echo "exit $?"');
    await terminal.until((screen) => screen.includes('[{"name":"app","status":"Enabled"}]'), 'the first line');
    await plinth.client.updateTask({ name: 'app', status: 'Disabled' });
    await terminal.until((screen) => screen.includes('[{"name":"app","status":"Disabled"}]'), 'the second line');
    await plinth.client.updateTask({ name: 'app', status: 'Enabled' });
    await terminal.until((screen) => /^exit 0$/m.test(screen), 'the end of the pipe');
    await terminal.clear();
  });

  it('completes in zsh, with names from the server, and files where it knows no words', async () => {
    await cli.files('', { 'tasks-of-ours.yaml': '' });
    const zsh = await Terminal.open(cli, 'zsh-tmux', { shell: 'zsh', env: { ZDOTDIR: await zshHome(cli) } });
    try {
      await zsh.typed('plinth task cancel', 'Tab');
      await zsh.until((screen) => screen.includes('plinth task cancel-run'), 'the only verb');
      await zsh.press('C-u');
      await zsh.typed('plinth task show a', 'Tab');
      await zsh.until((screen) => screen.includes('plinth task show app'), 'the only task');
      await zsh.press('C-u');
      await zsh.typed(`plinth registry show ${registry.host.slice(0, 12)}`, 'Tab');
      await zsh.until(
        (screen) => screen.includes(`plinth registry show ${registry.host}`),
        'a word with a colon in it',
      );
      await zsh.press('C-u');
      await zsh.typed('plinth apply -f tasks-of', 'Tab');
      await zsh.until((screen) => screen.includes('plinth apply -f tasks-of-ours.yaml'), 'a file');
      await zsh.press('C-u');
      await zsh.typed('plinth task sh', 'Tab', 'Tab');
      const menu = await zsh.until((screen) => screen.includes('show-run'), 'the verbs that there are');
      expect(menu).toMatch(/^show +-- Show a task$/m);
    } finally {
      await zsh.close();
    }
  });

  it('completes in fish, too', async () => {
    programAt('fish');
    const complete = async (line: string): Promise<string> => {
      const { code, stdout, stderr } = await cli.shell(
        `fish --no-config -c 'plinth completion fish | source; complete -C $argv[1]' "$LINE"`,
        { env: { LINE: line } },
      );
      expect(code, stderr).toBe(0);
      return stdout.trimEnd();
    };
    await cli.files('', { 'tasks-of-ours.yaml': '' });
    expect(await complete('plinth task sh')).toBe('show\tShow a task\nshow-run\tShow a run');
    expect(await complete('plinth task show a')).toMatch(/^app\b/);
    expect(await complete(`plinth registry show ${registry.host.slice(0, 12)}`)).toContain(registry.host);
    expect(await complete('plinth task list -o js')).toBe('json');
    expect(await complete('plinth apply -f tasks-of')).toBe('tasks-of-ours.yaml');
  });

  it('Ctrl-C while a log is followed leaves the run as it is', async () => {
    const { runId } = await plinth.client.scheduleRun({
      type: 'DockerBuildRequest',
      sourceLocation: await plinth.upload({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }),
      isPushEnabled: false,
      agentPoolName: 'nobody',
    });
    await terminal.type(`plinth runs show ${runId} --wait; echo "exit $?"`);
    await terminal.until((screen) => screen.includes(`Run ${runId} is Queued.`), 'the progress');
    await terminal.press('C-c');
    const left = await terminal.until((screen) => /^exit \d+$/m.test(screen), 'the prompt');
    expect(left).toMatch(/^exit 2$/m);
    expect(left).toContain(`plinth logs ${runId} -f`);
    expect(await plinth.client.getRun({ run: runId })).toMatchObject({ status: 'Queued' });
    await plinth.client.cancelRun({ run: runId });
    await terminal.clear();
  });

  it('asks before it deletes, and takes no for an answer', async () => {
    await terminal.type('plinth task delete app; echo "exit $?"');
    await terminal.until((screen) => screen.includes('(y/N)'), 'the question');
    await terminal.type('n');
    const kept = await terminal.until((screen) => /^exit \d+$/m.test(screen), 'the answer');
    expect(kept).toMatch(/^exit 2$/m);
    expect((await plinth.client.getTask({ name: 'app' })).name).toBe('app');
    await terminal.clear();
    await terminal.type('plinth task delete app -y; echo "exit $?"');
    await terminal.until((screen) => /^exit 0$/m.test(screen), 'the deletion');
    await expect(plinth.client.getTask({ name: 'app' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await terminal.clear();
  });

  it('takes a secret that is typed, without showing it', async () => {
    await terminal.type('plinth secret set typed; echo "exit $?"');
    await terminal.until((screen) => screen.includes('The value of typed:'), 'the question');
    await terminal.type('canary-typed');
    const stored = await terminal.until((screen) => /^exit \d+$/m.test(screen), 'the answer');
    expect(stored).toMatch(/^exit 0$/m);
    expect(stored).not.toContain('canary-typed');
  });
});
