#!/usr/bin/env node
/**
 * plinth: the command line of a clone, `npx plinth …` right after `npm ci`. Compiles when a source changed, and runs on
 * Node 24 whatever Node npm runs on. Quiet: what a command prints is the command's.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compile } from './lib/compile.mjs';
import { signalNumbers } from './lib/exec.mjs';
import { findNode } from './lib/node24.mjs';
import { distDir, root, stateDir } from './lib/root.mjs';

const program = join(distDir, 'apps/cli/src/main.js');

try {
  const node = findNode();
  // An installation has no sources.
  if (existsSync(join(root, 'tsconfig.json'))) await compile(node, { quiet: true });
  if (isNewEnough(process.versions.node)) {
    module.enableCompileCache?.(join(stateDir, 'cache'));
    await import(pathToFileURL(program).href);
  } else {
    process.exitCode = await runOn(node);
  }
} catch (error) {
  process.stderr.write(`plinth: ${error.message}\n`);
  process.exitCode = 1;
}

function isNewEnough(version) {
  return Number(version.split('.')[0]) >= 24;
}

/** Runs the program as a child in this terminal; Ctrl-C reaches it by itself, and it decides what that means. */
function runOn(node) {
  return new Promise((done) => {
    const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    process.on('SIGINT', () => {
      if (!process.stdin.isTTY) child.kill('SIGINT');
    });
    child.once('error', (error) => {
      process.stderr.write(`plinth: ${node}: ${error.message}\n`);
      done(1);
    });
    child.once('exit', (code, signal) => done(code ?? 128 + (signalNumbers[signal] ?? 15)));
  });
}
