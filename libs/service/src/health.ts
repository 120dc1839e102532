/** Answers what is missing, in words that say what to do; `undefined` when nothing is. */
export type HealthCheck = () => string | undefined | Promise<string | undefined>;

export interface Readiness {
  readonly ready: boolean;
  /** One sentence for each thing that is missing, by the name of its check. */
  readonly missing: Readonly<Record<string, string>>;
}

/** What must be true for this process to take requests. Services register checks; probes and gRPC health ask. */
export class Health {
  readonly #checks = new Map<string, HealthCheck>();
  readonly #listeners = new Set<() => void>();
  #stopping = false;

  /** Adds a check; call what it returns to take it away. A name is used once. */
  register(name: string, check: HealthCheck): () => void {
    if (this.#checks.has(name)) throw new Error(`There is a health check named "${name}" already.`);
    this.#checks.set(name, check);
    return () => {
      this.#checks.delete(name);
    };
  }

  /** From now on not ready: the first step of a shutdown, before requests are drained. */
  stop(): void {
    this.#stopping = true;
    for (const listener of this.#listeners) listener();
  }
  /** Called when {@link stop} is. */
  onStop(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  get stopping(): boolean {
    return this.#stopping;
  }

  async readiness(): Promise<Readiness> {
    const missing: Record<string, string> = {};
    if (this.#stopping) missing['shutdown'] = 'It is shutting down; requests go to another replica.';
    await Promise.all(
      [...this.#checks].map(async ([name, check]) => {
        try {
          const words = await check();
          if (words !== undefined) missing[name] = words;
        } catch (error) {
          missing[name] = `The check itself failed: ${error instanceof Error ? error.message : String(error)}`;
        }
      }),
    );
    return { ready: Object.keys(missing).length === 0, missing };
  }
}
