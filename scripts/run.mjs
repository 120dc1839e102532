/**
 * node scripts/run.mjs <command | file> [arguments]
 *
 * Makes a fresh clone work with nothing but Node and npm: installs packages, finds Node 24, fetches the tools that the
 * command needs, compiles, and runs it. Written for any Node that npm runs on, without dependencies: it is what runs
 * before there are any.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { commands } from './lib/commands.mjs';
import { compile } from './lib/compile.mjs';
import { signalNumbers } from './lib/exec.mjs';
import { ensureModules } from './lib/install.mjs';
import { findNode } from './lib/node24.mjs';
import { root } from './lib/root.mjs';
import { ensureTools, ToolsMissing } from './tools.mjs';

const [name, ...args] = process.argv.slice(2);

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof ToolsMissing ? 3 : 1;
}

async function main() {
  const command = commandFor(name);
  if (command === undefined) {
    process.stderr.write(`Usage: node scripts/run.mjs <${Object.keys(commands).join(' | ')} | file.js> [arguments]\n`);
    return 2;
  }
  await ensureModules();
  const node = findNode();
  const bin = await toolsFor(command);
  if (command.compile !== false) await compile(node);
  if (command.main === undefined) return 0;
  const target = isAbsolute(command.main) ? command.main : join(root, command.main);
  if (!existsSync(target)) {
    throw new Error(`${relative(root, target)} does not exist: "${name}" is not part of this checkout.`);
  }
  return runTarget(node, [target, ...(command.args ?? []), ...args], [bin, dirname(node)]);
}

function commandFor(given) {
  if (given === undefined) return undefined;
  if (Object.hasOwn(commands, given)) return commands[given];
  if (!/\.[cm]?js$/.test(given)) return undefined;
  const file = resolve(given);
  return { main: file, tools: ['log', 'registry', 'docker'], wants: ['git'] };
}

async function toolsFor({ tools = [], wants = [] }) {
  const { bin, missing } = await ensureTools({ need: tools, want: wants });
  for (const problem of missing) process.stderr.write(`Going on without ${problem}\n`);
  return bin;
}

/** Runs the program in this terminal until it ends; its exit code is ours, and it gets our signals. */
function runTarget(node, argv, pathFirst) {
  return new Promise((done) => {
    const child = spawn(node, ['--enable-source-maps', ...argv], {
      stdio: 'inherit',
      env: { ...process.env, PATH: [...pathFirst, process.env.PATH ?? ''].join(delimiter) },
    });
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    // At a terminal Ctrl-C reaches the child by itself, and npm sends it to us once more: passing it on would make the
    // child take one key press for the impatient second one.
    process.on('SIGINT', () => {
      if (!process.stdin.isTTY) child.kill('SIGINT');
    });
    child.once('error', (error) => {
      process.stderr.write(`${node}: ${error.message}\n`);
      done(127);
    });
    child.once('exit', (code, signal) => done(code ?? 128 + (signalNumbers[signal] ?? 15)));
  });
}
