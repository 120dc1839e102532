import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { apiShape } from '../codec/catalog.js';
import { extendLock, type NumberLock } from '../codec/lock.js';
import { asyncApiDocument } from '../codec/asyncapi.js';
import { openApiDocument } from '../codec/openapi.js';
import { resourceJsonSchema } from '../codec/resource-schema.js';
import { events } from '../events/index.js';
import { operations } from '../operations/index.js';
import type { Operation } from '../operation.js';
import { caddyfile } from './caddyfile.js';
import { eventsPage } from './events-page.js';
import { protoFiles } from './proto.js';

/**
 * Writes what is made from the table of operations; with `--check` it writes nothing, names the files that are not
 * as they would be written, and exits with 1. Run it at the root of the repository:
 * `node dist/libs/contracts/src/generate/main.js`.
 */
const folder = 'libs/contracts/generated';
const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

const readOptional = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** All generated files, by path below the repository, from the lock as it is committed. */
export const generatedFiles = async (root: string): Promise<Map<string, string>> => {
  const table: readonly Operation[] = Object.values(operations);
  const lockPath = `${folder}/proto/lock.json`;
  const committed = await readOptional(join(root, lockPath));
  const api = apiShape(operations);
  const lock = extendLock(
    api,
    committed === undefined ? { messages: {}, enums: {} } : (JSON.parse(committed) as NumberLock),
  );
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const routes = table.map(({ name, service, method, path, scope, team, kind = 'unary' }) => ({
    name,
    service,
    method,
    path,
    scope,
    team,
    kind,
  }));
  return new Map([
    [lockPath, json(lock)],
    [`${folder}/openapi.json`, json(openApiDocument(table, version))],
    [`${folder}/schemas/resource.json`, json(resourceJsonSchema())],
    [`${folder}/asyncapi.json`, json(asyncApiDocument(events, version))],
    [`${folder}/routes.json`, json({ routes })],
    ['docs/events.md', eventsPage(events)],
    ['deploy/Caddyfile', caddyfile(table)],
    ...[...protoFiles(api, lock)].map(([path, text]): [string, string] => [`${folder}/proto/${path}`, text]),
  ]);
};

const existing = async (path: string): Promise<string[]> => {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
};

const main = async (check: boolean): Promise<number> => {
  const root = process.cwd();
  const files = await generatedFiles(root);
  const differ: string[] = [];
  for (const [path, text] of files) {
    if ((await readOptional(join(root, path))) === text) continue;
    differ.push(path);
    if (check) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const left = (await existing(join(root, folder, 'proto')))
    .map((path) => relative(root, path))
    .filter((path) => path.endsWith('.proto') && !files.has(path));
  for (const path of left) {
    differ.push(path);
    if (!check) await rm(join(root, path));
  }
  for (const path of differ) process.stdout.write(`${check ? 'differs' : 'written'}: ${path}\n`);
  if (check && differ.length > 0) {
    process.stderr.write(
      'Run the generator (node dist/libs/contracts/src/generate/main.js) and commit what it writes.\n',
    );
  }
  return check && differ.length > 0 ? 1 : 0;
};

// Importing this file runs nothing: tests compare its output.
if (process.argv[1]?.endsWith('main.js') || process.argv[1]?.endsWith('generate/main.ts')) {
  process.exitCode = await main(process.argv.includes('--check'));
}
