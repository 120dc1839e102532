import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addressOf } from './addresses.js';
import type { EngineRegistry } from './engine.js';

const systemBundle = '/etc/ssl/certs/ca-certificates.crt';

/** What a daemon of our own has to know of registries before it can pull from them. */
export class KnownRegistries {
  readonly #insecure = new Set<string>();
  readonly #authorities = new Map<string, string>();

  /** Answers what is new. */
  learn(registries: readonly EngineRegistry[]): { readonly insecure: boolean; readonly authority: boolean } {
    const before = { insecure: this.#insecure.size, authorities: this.#text() };
    for (const one of registries) {
      if (one.scheme === 'http') this.#insecure.add(addressOf(one));
      if (one.ca !== undefined) this.#authorities.set(addressOf(one), one.ca);
    }
    return { insecure: this.#insecure.size !== before.insecure, authority: this.#text() !== before.authorities };
  }

  /** `host:port` of those that speak plain HTTP, sorted. */
  get insecure(): readonly string[] {
    return [...this.#insecure].sort();
  }

  /**
   * The variable by which a program of Go knows the authorities; it reads that instead of the system's places, so the
   * system's certificates are put in as well.
   * @param dir where the file is written
   */
  async environment(dir: string): Promise<NodeJS.ProcessEnv> {
    if (this.#authorities.size === 0) return {};
    const system = await readFile(process.env['SSL_CERT_FILE'] ?? systemBundle, 'utf8').catch(() => '');
    const bundle = join(dir, 'authorities.pem');
    await writeFile(bundle, `${system}\n${this.#text()}\n`);
    return { SSL_CERT_FILE: bundle };
  }

  #text(): string {
    return [...this.#authorities.values()].sort().join('\n');
  }
}
