import { createHash } from 'node:crypto';
import type { Snapshot } from '#libs/contracts';

export const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** An index of these children. */
export const indexOf = (platforms: Readonly<Record<string, string>>): Snapshot => ({
  digest: digestOf(JSON.stringify(Object.entries(platforms).sort(([a], [b]) => (a < b ? -1 : 1)))),
  mediaType: 'application/vnd.oci.image.index.v1+json',
  platforms,
});

/** What registries have behind each tag, and who is told when one moves. */
export class SimulatedRegistry {
  private readonly tags = new Map<string, Snapshot[]>();

  constructor(private readonly moved: (reference: string) => void) {}

  get(reference: string): Snapshot | undefined {
    // What is named by digest is always the same, and there for every platform.
    if (reference.includes('@')) {
      const digest = reference.slice(reference.indexOf('@') + 1);
      return { ...indexOf({ 'linux/amd64': digest, 'linux/arm64': digest }), digest };
    }
    return this.tags.get(reference)?.[0];
  }

  put(reference: string, snapshot: Snapshot): void {
    const history = this.tags.get(reference) ?? [];
    this.tags.set(reference, history);
    if (history[0]?.digest === snapshot.digest) return;
    history.unshift(snapshot);
    this.moved(reference);
  }

  /** Puts new manifests in place of those of some platforms; the others stay as they are. */
  move(reference: string, platforms: readonly string[]): void {
    const before = this.get(reference)?.platforms ?? {};
    const count = this.tags.get(reference)?.length ?? 0;
    const fresh = platforms.map((platform) => [platform, digestOf(`${reference} ${platform} ${count}`)]);
    this.put(reference, indexOf({ ...before, ...Object.fromEntries(fresh) }));
  }

  /** Publishes an index with new manifests, and none for one platform. */
  lack(reference: string, platform: string): void {
    const rest = Object.keys(this.get(reference)?.platforms ?? {}).filter((one) => one !== platform);
    if (rest.length === 0) return;
    const count = this.tags.get(reference)!.length;
    this.put(
      reference,
      indexOf(Object.fromEntries(rest.map((one) => [one, digestOf(`${reference} ${one} ${count}`)]))),
    );
  }

  /** The tag comes back to the digest that it had before the last. */
  return(reference: string): void {
    const before = this.tags.get(reference)?.[1];
    if (before) this.put(reference, before);
  }
}
