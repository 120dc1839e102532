import { createHash } from 'node:crypto';
import type { Snapshot } from '#libs/contracts';
import type { AdoptionPolicy } from '../policy/policy.js';

export const reference = 'docker.io/library/node:22';

/** A digest that is the same for the same word. */
export const digestOf = (word: string): string => `sha256:${createHash('sha256').update(word).digest('hex')}`;

export const snapshotOf = (word: string): Snapshot => ({
  digest: digestOf(word),
  mediaType: 'application/vnd.oci.image.index.v1+json',
  platforms: { 'linux/amd64': digestOf(`${word} amd64`), 'linux/arm64': digestOf(`${word} arm64`) },
});

/** Everything at once, and nothing is odd. */
export const atOnce: AdoptionPolicy = {
  decide: () => ({ adopt: true, policy: 'acr', anomalies: [] }),
  rangeOf: () => undefined,
};
