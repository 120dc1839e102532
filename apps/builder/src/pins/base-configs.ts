import type { Pin } from '#libs/contracts';
import { parseReference, repositoryName, type ImageConfig } from '#libs/oci';
import type { ImageRegistry } from '../ports.js';

/** The configurations of the images that a build starts from, each read once. */
export class BaseConfigs {
  private readonly configs = new Map<string, Promise<ImageConfig>>();

  constructor(
    private readonly registry: Pick<ImageRegistry, 'config'>,
    private readonly signal: AbortSignal,
  ) {}

  /** @param digest of the image's manifest for one platform */
  of(reference: string, digest: string | undefined): Promise<ImageConfig> {
    const at = `${repositoryName(parseReference(reference))}@${digest}`;
    let config = this.configs.get(at);
    if (!config) this.configs.set(at, (config = this.registry.config(at, this.signal)));
    return config;
  }

  /** Begins to read them before anybody asks. What cannot be read is said to whoever does. */
  expect(pins: readonly Pin[]): void {
    for (const { reference, platforms } of pins) {
      for (const digest of Object.values(platforms)) this.of(reference, digest).catch(() => undefined);
    }
  }
}
