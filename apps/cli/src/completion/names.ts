import type { Session } from '../session.js';
import { readContexts } from '../settings/contexts.js';
import { contextsFile } from '../settings/files.js';

/** Somebody waits for the key press to answer. */
const patienceMs = 2000;
const most = 1000;

const sources: Readonly<Record<string, (session: Session, signal: AbortSignal) => Promise<readonly string[]>>> = {
  task: async ({ client }, signal) =>
    (await (await client()).listTasks({ pageSize: most }, { signal })).tasks.map(({ name }) => name),
  run: async ({ client }, signal) =>
    (await (await client()).listRuns({ pageSize: 100 }, { signal })).runs.map(({ runId }) => runId),
  image: async ({ client }, signal) =>
    (await (await client()).listImages({ pageSize: most }, { signal })).images.map(({ reference }) => reference),
  registry: async ({ client }, signal) =>
    (await (await client()).listRegistries({ pageSize: most }, { signal })).registries.map(({ host }) => host),
  policy: async ({ client }, signal) =>
    (await (await client()).listPolicies({ pageSize: most }, { signal })).policies.map(({ name }) => name),
  wave: async ({ client }, signal) =>
    (await (await client()).listWaves({ pageSize: 100 }, { signal })).waves.map(({ wave }) => wave),
  token: async ({ client }, signal) =>
    (await (await client()).listTokens({ pageSize: most }, { signal })).tokens.map(({ name }) => name),
  secret: async ({ client }, signal) =>
    (await (await client()).listSecrets({ pageSize: most }, { signal })).secrets.map(({ name }) => name),
  context: async ({ io }) => Object.keys((await readContexts(contextsFile(io.env))).contexts),
  subject: async (session, signal) => [
    ...(await sources['task']!(session, signal)),
    ...(await sources['image']!(session, signal)),
  ],
};

/**
 * Names for a placeholder such as `<task>`, from the server that the line talks to. None when nobody answers: a shell
 * is no place for errors.
 */
export const namesFor = async (session: Session, placeholder: string): Promise<readonly string[]> => {
  const source = Object.hasOwn(sources, placeholder) ? sources[placeholder] : undefined;
  if (!source) return [];
  try {
    return await source(session, AbortSignal.timeout(patienceMs));
  } catch {
    return [];
  }
};
