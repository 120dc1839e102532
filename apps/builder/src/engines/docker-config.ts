import { addressOf } from './addresses.js';
import type { EngineRegistry } from './engine.js';

/** Docker Hub's entry has had this name since its first version. */
const hubKey = 'https://index.docker.io/v1/';

/** The text of a `config.json` (also an `auth.json` of Buildah) with the credentials of one job. */
export function dockerConfig(registries: readonly EngineRegistry[]): string {
  const auths: Record<string, { auth: string }> = {};
  for (const one of registries) {
    const { username, password } = one;
    const address = addressOf(one);
    if (username === undefined || password === undefined) continue;
    const entry = { auth: Buffer.from(`${username}:${password}`).toString('base64') };
    auths[address] = entry;
    if (address === 'docker.io') auths[hubKey] = entry;
  }
  return JSON.stringify({ auths });
}
