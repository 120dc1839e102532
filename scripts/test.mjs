/**
 * npm test [-- arguments for vitest]
 *
 * Runs every check in sequence: formatting, lint, types, generated files, then the vitest projects unit, int and
 * journey. A skipped test counts as failed, and so does a project without tests: what does not run proves nothing.
 * The last line is `N passed, N failed`; the exit code is 0 only if tests ran and nothing failed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { compile } from './lib/compile.mjs';
import { onPath, run } from './lib/exec.mjs';
import { findNode } from './lib/node24.mjs';
import { root, stateDir } from './lib/root.mjs';

const node = findNode();
const vitestArgs = process.argv.slice(2).filter((arg, index) => !(index === 0 && arg === '--'));
const isFiltered = vitestArgs.length > 0;
const isFilteredByName = vitestArgs.some((arg) => /^(-t|--testNamePattern)/.test(arg));

/** Each counts as one. `when` is the file without which the check does not exist in this checkout. */
const checks = [
  { name: 'formatting', args: ['node_modules/prettier/bin/prettier.cjs', '--check', '.'] },
  { name: 'lint', args: ['node_modules/oxlint/bin/oxlint', '--type-aware'] },
  {
    name: 'types',
    args: ['node_modules/typescript/bin/tsc', '--noEmit', '--incremental', 'false', '-p', 'tsconfig.json'],
  },
  {
    name: 'generated files',
    args: ['dist/libs/contracts/src/generate/main.js', '--check'],
    when: 'libs/contracts/src/generate/main.ts',
    compiled: true,
  },
];
const projects = ['unit', 'int', 'journey'];

let passed = 0;
let testsRun = 0;
/** One line for each failure, printed together at the end. */
const failures = [];

if (!isFiltered) {
  for (const check of checks) await runCheck(check);
}
noteEngines();
// Journeys start compiled programs, and ordinary developers start one file at a time.
await step('compile', async () => {
  await compile(node);
});
for (const project of projects) await runProject(project);

if (testsRun === 0) failures.push('no test ran');
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((line) => `  ${line}`).join('\n')}`);
console.log(`\n${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function runCheck({ name, args, when, compiled = false }) {
  if (when !== undefined && !existsSync(join(root, when))) return;
  await step(name, async () => {
    if (compiled) await compile(node);
    const code = await run(node, args, { cwd: root });
    if (code !== 0) throw new Error(`exit code ${code}`);
  });
}

async function step(name, work) {
  console.log(`\n── ${name}`);
  try {
    await work();
    passed++;
  } catch (error) {
    console.log(error.message);
    failures.push(`${name}: ${error.message}`);
  }
}

/** An engine that this machine lacks is said aloud, and is neither passed nor failed. */
function noteEngines() {
  if (process.env.PLINTH_TEST_ENGINES !== undefined) return;
  const engines = [
    { name: 'buildah', program: 'buildah', fix: 'apt-get install -y buildah runc' },
    { name: 'buildkit', program: 'buildkitd', fix: 'with Go 1.25.5 or newer on PATH it is built' },
  ];
  const missing = engines.filter(({ program }) => onPath(program) === undefined);
  if (missing.length === 0) return;
  const tested = engines.filter((engine) => !missing.includes(engine)).map(({ name }) => name);
  process.env.PLINTH_TEST_ENGINES = ['docker', ...tested].join(',');
  for (const { name, program, fix } of missing) {
    console.log(`\nNot covered: the engine ${name}, because ${program} is not on this machine (${fix}).`);
  }
}

async function runProject(project) {
  console.log(`\n── ${project} tests`);
  const report = join(stateDir, 'test', `${project}.json`);
  mkdirSync(join(stateDir, 'test'), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    project,
    '--passWithNoTests',
    ...reporters,
    ...vitestArgs,
  ];
  const code = await run(node, args, { cwd: root });
  const before = failures.length;
  const ran = existsSync(report) ? countTests(JSON.parse(readFileSync(report, 'utf8')), project) : 0;
  testsRun += ran;
  if (ran === 0 && !isFiltered) failures.push(`${project} tests: none ran`);
  // Vitest also fails for what belongs to no test, an unhandled rejection for one.
  if (code !== 0 && failures.length === before) failures.push(`${project} tests: vitest ended with exit code ${code}`);
}

/** Adds a project's results to the sums and answers how many tests ran. */
function countTests({ testResults }, project) {
  let ran = 0;
  for (const file of testResults) {
    const name = relative(root, file.name);
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
      failures.push(`${project} ${name}: ${(file.message || 'the file could not be run').split('\n')[0]}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') failures.push(`${project} ${name}: ${test.fullName}`);
      else if (isFilteredByName) continue;
      else failures.push(`${project} ${name}: ${test.fullName} (${test.status}: a skipped test counts as failed)`);
      ran++;
    }
  }
  return ran;
}
