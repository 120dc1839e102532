/**
 * node scripts/tools.mjs [--list] [--check] [--all]
 *
 * Makes sure of the programs that Plinth runs beside its own (scripts/lib/tools/recipe.mjs): takes what the machine has
 * when that is new enough, else unpacks Debian packages into `.plinth/tools`; with --all also builds what has to be built.
 * Touches nothing outside the clone, needs no root, and can be run any number of times and by several at once.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { collect, isExecutable, onPath } from './lib/exec.mjs';
import { withLock } from './lib/lock.mjs';
import { toolsDir } from './lib/root.mjs';
import { debianArchitecture, openApt, whyNoApt } from './lib/tools/apt.mjs';
import { buildModule, whyNoGo } from './lib/tools/go.mjs';
import { debianMirrors } from './lib/tools/mirrors.mjs';
import { isEnough, libraries, librarySuite, recipe, versionIn } from './lib/tools/recipe.mjs';
import * as packages from './lib/tools/unpack.mjs';

const bin = join(toolsDir, 'bin');
const recordFile = join(toolsDir, 'tools.json');
const recipeHash = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 16);

/** Tools are missing and could not be fetched; the message says which, why, and what to do. Exit code 3. */
export class ToolsMissing extends Error {
  code = 'TOOLS_MISSING';
}

/**
 * Makes sure of groups of tools.
 * @param {{ need?: string[], want?: string[], offline?: boolean }} groups `need` throws ToolsMissing when one of its
 *   tools cannot be had, `want` reports it in the answer; `offline` fetches nothing
 * @returns {Promise<{ bin: string, tools: Record<string, object>, missing: string[] }>} the folder to put first on PATH
 */
export async function ensureTools({ need = [], want = [], offline = false } = {}) {
  const wanted = recipe.filter((tool) => need.includes(tool.group) || want.includes(tool.group));
  let problems = new Map();
  if (wanted.some((tool) => !isReady(tool, readRecord()))) {
    const onWait = () => process.stderr.write('Waiting for another command that fetches tools.\n');
    problems = await withLock(join(toolsDir, 'lock'), async () => obtain(wanted, offline), { onWait });
  }
  const missing = (groups) =>
    wanted
      .filter((tool) => groups.includes(tool.group) && problems.has(tool.name))
      .map((tool) => `${describe(tool)}: ${problems.get(tool.name)}`);
  if (missing(need).length > 0) throw new ToolsMissing(explain(missing(need)));
  return { bin, tools: readRecord().tools, missing: missing(want) };
}

const describe = (tool) =>
  tool.module !== undefined
    ? `${tool.name} ${tool.minimum} or newer (Go module ${tool.module})`
    : `${tool.name} ${tool.minimum}${tool.below === undefined ? ' or newer' : ` up to ${tool.below}`} (Debian package ${tool.package}, ${tool.suite})`;

const explain = (missing) =>
  [
    'Plinth needs programs which this machine does not have and which could not be fetched:',
    ...missing.map((line) => `  - ${line}`),
    `Put them on PATH, or let the machine reach a Debian mirror (tried: ${debianMirrors().join(', ')}) and start again.`,
  ].join('\n');

/** Answers tool → why it cannot be had. Called under the lock. */
function obtain(wanted, offline) {
  const record = readRecord();
  const problems = new Map();
  const toFetch = [];
  for (const tool of wanted) {
    if (isReady(tool, record)) continue;
    const found = tool.packaged === 'always' ? undefined : onThisMachine(tool);
    if (found === undefined) {
      toFetch.push(tool);
      continue;
    }
    for (const [command, path] of Object.entries(found.commands)) packages.link(bin, command, path);
    record.tools[tool.name] = { version: found.version, from: 'machine', path: found.path };
  }
  const isBuilt = (tool) => tool.module !== undefined;
  bring(
    toFetch.filter((tool) => !isBuilt(tool)),
    { why: whyNoApt, bring: fetchAll },
  );
  bring(toFetch.filter(isBuilt), { why: whyNoGo, bring: buildAll });
  function bring(tools, by) {
    if (tools.length === 0) return;
    const why = offline ? 'not fetched yet' : by.why();
    if (why === undefined) by.bring(tools, record, problems);
    else for (const tool of tools) problems.set(tool.name, why);
  }
  writeRecord(record);
  return problems;
}

function fetchAll(toFetch, record, problems) {
  process.stderr.write(`Fetching ${toFetch.map((tool) => tool.package).join(', ')} into .plinth/tools.\n`);
  const apts = new Map();
  for (const tool of toFetch) {
    try {
      record.tools[tool.name] = fetchOne(tool, apts);
    } catch (error) {
      problems.set(tool.name, error.message);
    }
  }
  rmSync(join(toolsDir, 'downloads'), { recursive: true, force: true });
}

function buildAll(tools, record, problems) {
  for (const tool of tools) {
    process.stderr.write(
      `Building ${tool.name} from ${tool.module} ${tool.moduleVersion}: this takes minutes, once.\n`,
    );
    const folder = join(toolsDir, 'packages', `${tool.name}_${tool.moduleVersion}`);
    try {
      buildModule(tool, folder);
    } catch (error) {
      problems.set(tool.name, error.message);
      continue;
    }
    for (const [command, path] of Object.entries(tool.commands))
      packages.link(bin, command, join(folder, basename(path)));
    const path = `${folder.slice(toolsDir.length + 1)}/${tool.name}`;
    record.tools[tool.name] = { version: tool.moduleVersion, from: `Go module ${tool.module}`, path };
  }
}

function fetchOne(tool, apts) {
  const apt = aptFor(tool.suite, apts);
  const names =
    tool.closure === true
      ? apt.closure(tool.package).filter((name) => !isBasic(name))
      : [tool.package, ...(tool.with ?? [])];
  const downloads = join(toolsDir, 'downloads', tool.suite);
  const debs = apt.download(tool.closure === true ? [...names, 'ca-certificates'] : names, downloads);
  const version = packages.packageVersion(debs[tool.package]);
  const folder = join(toolsDir, 'packages', `${tool.package}_${version}_${debianArchitecture}`);
  packages.unpack(Object.values(debs), folder);
  for (const [command, path] of Object.entries(tool.commands)) {
    const target = join(folder, path);
    const env = tool.closure === true ? closureEnvironment(folder) : libraryEnvironment(target, apts);
    if (Object.keys(env).length === 0) packages.link(bin, command, target);
    else packages.wrap(bin, command, target, env);
  }
  return {
    version,
    from: `${tool.suite} package ${tool.package}`,
    path: join(folder, Object.values(tool.commands)[0]).slice(toolsDir.length + 1),
  };
}

/** The C library and what is part of every Debian: mixing two of them in one process would crash it. */
const isBasic = (name) =>
  /^(libc6|libcrypt1|libgcc-s1|gcc-\d+-base|perl.*|libperl.*|debconf.*|dpkg|tar|coreutils|bash|dash|openssl|git-man|ca-certificates)$/.test(
    name,
  );

/** Git finds its own parts where we put them, with the libraries that it was built with. */
function closureEnvironment(folder) {
  const inTools = (path) => `$tools/${folder.slice(toolsDir.length + 1)}/${path}`;
  const bundle = packages.certificateBundle(folder);
  return {
    LD_LIBRARY_PATH: packages.libraryFolders(folder, toolsDir).join(':'),
    GIT_EXEC_PATH: inTools('usr/lib/git-core'),
    GIT_TEMPLATE_DIR: inTools('usr/share/git-core/templates'),
    ...(bundle === undefined ? {} : { GIT_SSL_CAINFO: inTools('certificates.pem') }),
  };
}

/** Libraries that this system lacks, fetched beside the program. */
function libraryEnvironment(program, apts) {
  const names = packages.missingLibraries(program).map((name) => {
    const found = libraries[name];
    if (found === undefined) throw new Error(`${program} needs the library ${name}, which this system does not have`);
    return found;
  });
  if (names.length === 0) return {};
  const debs = aptFor(librarySuite, apts).download([...new Set(names)], join(toolsDir, 'downloads', 'libraries'));
  const folder = join(toolsDir, 'packages', `libraries-of-${program.split('/').at(-1)}`);
  packages.unpack(Object.values(debs), folder);
  return { LD_LIBRARY_PATH: packages.libraryFolders(folder, toolsDir).join(':') };
}

/** apt for a release on the first mirror that has it. */
function aptFor(suite, apts) {
  const known = apts.get(suite);
  if (known instanceof Error) throw known;
  if (known !== undefined) return known;
  const failures = [];
  for (const mirror of debianMirrors()) {
    try {
      const apt = openApt({ suite, mirror, dir: join(toolsDir, 'apt', suite) });
      apt.update();
      apts.set(suite, apt);
      return apt;
    } catch (error) {
      failures.push(error.message);
    }
  }
  // Remembered, so that ten tools do not wait for the same silence ten times.
  const failure = new Error(failures.join('; '));
  apts.set(suite, failure);
  throw failure;
}

/** The tool as the machine has it, if it is new enough, with the path of each of its commands. */
function onThisMachine(tool) {
  const isOurs = (folder) => folder === bin;
  const commands = {};
  for (const command of Object.keys(tool.commands)) {
    const path =
      onPath(command, isOurs) ?? (tool.folders?.() ?? []).map((folder) => join(folder, command)).find(isExecutable);
    if (path === undefined) return undefined;
    commands[command] = path;
  }
  const path = Object.values(commands)[0];
  const said = collect(path, tool.versionArgs, { timeout: 10_000 });
  const version = versionIn(said.stdout) ?? versionIn(said.stderr);
  return said.ok && isEnough(tool, version) ? { commands, path, version } : undefined;
}

/** Whether a tool was obtained by this recipe, and all its commands are still there. */
function isReady(tool, record) {
  return (
    record.recipe === recipeHash &&
    record.tools[tool.name] !== undefined &&
    Object.keys(tool.commands).every((command) => isExecutable(join(bin, command)))
  );
}

function readRecord() {
  const record = existsSync(recordFile) ? JSON.parse(readFileSync(recordFile, 'utf8')) : undefined;
  return record?.recipe === recipeHash ? record : { recipe: recipeHash, tools: {} };
}

function writeRecord(record) {
  mkdirSync(toolsDir, { recursive: true });
  writeFileSync(`${recordFile}.making`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${recordFile}.making`, recordFile);
}

function print(tools) {
  for (const tool of recipe) {
    const have = tools[tool.name];
    const from = have === undefined ? '' : have.from === 'machine' ? `${have.path} of this machine` : have.from;
    console.log(`${tool.name.padEnd(16)} ${(have?.version ?? 'missing').padEnd(28)} ${from}`);
  }
}

async function main(args) {
  const groups = [...new Set(recipe.map((tool) => tool.group))];
  const unknown = args.find((arg) => !['--list', '--check', '--all'].includes(arg));
  if (unknown !== undefined) {
    console.error(`Unknown argument ${unknown}. Usage: node scripts/tools.mjs [--list] [--check] [--all]`);
    return 2;
  }
  if (args.includes('--list')) {
    print(readRecord().tools);
    return 0;
  }
  try {
    const optional = ['git', 'buildkit'];
    const need = groups.filter((group) => !optional.includes(group));
    const want = args.includes('--all') ? optional : ['git'];
    const { tools, missing } = await ensureTools({ need, want, offline: args.includes('--check') });
    print(tools);
    for (const problem of missing) console.error(`Missing, and needed only by some tasks: ${problem}`);
    return 0;
  } catch (error) {
    console.error(error.message);
    return error instanceof ToolsMissing ? 3 : 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
