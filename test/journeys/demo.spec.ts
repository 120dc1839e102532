import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

const start = (args: readonly string[]) => {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]).then((parts) => parts.join('\n'));
  const ended = once(child, 'exit').then(([code]) => code as number);
  return { child, output, ended };
};

const demo = (...args: string[]) => start([join(root, 'dist/test/demo/main.js'), ...args]);

/** Exit code and everything that was printed. */
const watched = async (...args: string[]): Promise<{ code: number; output: string }> => {
  const { output, ended } = demo(...args);
  return { code: await ended, output: await output };
};

/** Command lines that name a folder. */
const processesOf = async (folder: string): Promise<string[]> => {
  const lines = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      // A process that has ended meanwhile has no command line any more.
      .map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(folder));
};

beforeAll(async () => {
  const { output, ended } = start([join(root, 'scripts/run.mjs'), 'build']);
  if ((await ended) !== 0) throw new Error(`It does not compile:\n${await output}`);
});

describe('the demo', () => {
  it('moves a base in each registry, shows what comes of it, and finds that all of it holds', async () => {
    const { code, output } = await watched();
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toContain('noticed by webhook');
    expect(output).toContain('noticed by polling');
    expect(output).toContain('9 builds; for this graph the minimum is 9.');
    expect(output).toMatch(/join was built by run \w+ because .*left:1 moved/);
    expect(output).toContain('All of it holds.');
    // Plain lines where there is no terminal.
    expect(output).not.toContain('\u001b');
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const { child, output, ended } = demo();
    let printed = '';
    await new Promise<void>((resolve_) => {
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString('utf8');
        if (printed.includes('Everything is built once')) resolve_();
      });
    });
    const all = join(root, '.plinth/demo');
    const own = (await readdir(all)).find((name) => name.startsWith(`${child.pid}-`))!;
    expect(await processesOf(own)).not.toEqual([]);
    child.kill('SIGINT');
    expect({ code: await ended, output: await output }).toMatchObject({ code: 130 });
    expect(await processesOf(own)).toEqual([]);
    expect(await readdir(all)).not.toContain(own);
  });

  it('says which arguments it takes', async () => {
    const { code, output } = await watched('--sabotage', 'everything');
    expect(code).toBe(2);
    expect(output).toContain('edge, order, webhook, duplicate');
  });
});

describe.concurrent('the demo with a sabotage', () => {
  it.each([
    ['edge', /does not hold: shop still stands on an old base/],
    ['order', /does not hold: report was built before framework, which it stands on/],
    ['webhook', /The webhook did not arrive: base moved in the company's registry, and Plinth did not notice/],
    ['duplicate', /does not hold: shop was built 2 times after base moved; the declared graph asks for 1/],
  ])('%s ends with exit code 1 and the sentence that says what is broken', async (name, sentence) => {
    const { code, output } = await watched('--sabotage', name);
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(sentence) as string });
  });
});
