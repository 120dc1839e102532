import type { Database, Statement } from 'better-sqlite3';
import type { RegistryDefinition } from '#libs/contracts';
import type { Projection, RecordedEvent } from '#libs/event-log';
import { Mirrors, RegistryClient, type HostConfig, type Repository, type RequestRecord } from '#libs/oci';

export interface RegistryDirectoryOptions {
  /** Opens what a `secretRef` names, at the moment of use. */
  readonly secrets: { open(ref: string): Promise<string> };
  /** Told of each request, for metrics. */
  readonly onRequest?: (record: RequestRecord) => void;
  /** Told when the settings of a host changed. */
  readonly onChange?: (host: string) => void;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What a host needs for TLS, opened. */
type Certificates = Pick<HostConfig, 'ca' | 'clientCert'>;

/** A certificate that cannot be opened, its secret not stored yet for one, is tried again after this long, doubling. */
const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/**
 * The registries that were made known, as every service that talks to one has them: a projection of their events, and
 * the client that follows it. A registry that nobody made known is reached by https, without credentials.
 */
export class RegistryDirectory implements Projection {
  readonly name = 'registries';
  readonly version = 1;
  readonly schema = 'CREATE TABLE IF NOT EXISTS registry (host TEXT PRIMARY KEY, definition TEXT NOT NULL)';
  private readonly definitions = new Map<string, RegistryDefinition>();
  private readonly certificates = new Map<string, Certificates>();
  private mirrors = new Mirrors([]);
  private sql!: Record<'save' | 'drop', Statement>;
  private retry: NodeJS.Timeout | undefined;
  private closed = false;

  /** The client for every registry; it follows their settings. */
  readonly client: RegistryClient;

  constructor(private readonly options: RegistryDirectoryOptions) {
    const { onRequest } = options;
    this.client = new RegistryClient({
      hosts: (host) => this.configOf(host),
      mirrors: (repository) => this.mirrors.at(repository),
      userAgent: 'plinth',
      ...(onRequest ? { onRequest } : {}),
    });
  }

  definitionOf(host: string): RegistryDefinition | undefined {
    return this.definitions.get(host);
  }

  all(): Iterable<RegistryDefinition> {
    return this.definitions.values();
  }

  /** The repository at a mirror, when one was made known that has it. */
  mirrored(repository: Repository): Repository | undefined {
    return this.mirrors.at(repository);
  }

  /** Whether a canonical reference is followed at a mirror. */
  isMirrored(reference: string): boolean {
    return this.mirrors.has(reference);
  }

  /** The repositories of other registries that are followed at this one. */
  mirroredBy(repository: Repository): Repository[] {
    return this.mirrors.behind(repository);
  }

  async credentialsOf(host: string): Promise<Login | undefined> {
    const credentials = this.definitions.get(host)?.credentials;
    if (!credentials) return undefined;
    return { username: credentials.username, password: await this.options.secrets.open(credentials.password) };
  }

  open(db: Database): void {
    this.sql = {
      save: db.prepare('INSERT OR REPLACE INTO registry VALUES (?, ?)'),
      drop: db.prepare('DELETE FROM registry WHERE host = ?'),
    };
    this.definitions.clear();
    for (const row of db.prepare('SELECT definition FROM registry').iterate() as Iterable<{ definition: string }>) {
      const definition = JSON.parse(row.definition) as RegistryDefinition;
      this.definitions.set(definition.host, definition);
    }
    this.findMirrors();
    void this.readCertificates();
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'registry.registered':
      case 'registry.updated': {
        const { definition } = event.data;
        this.definitions.set(definition.host, definition);
        this.sql.save.run(definition.host, JSON.stringify(definition));
        return this.changed(definition.host);
      }
      case 'registry.restated': {
        const { definition } = event.data.state as { definition: RegistryDefinition | null };
        if (!definition) return;
        this.definitions.set(definition.host, definition);
        this.sql.save.run(definition.host, JSON.stringify(definition));
        return this.changed(definition.host);
      }
      case 'registry.removed':
        this.definitions.delete(event.data.host);
        this.sql.drop.run(event.data.host);
        return this.changed(event.data.host);
      default:
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.retry);
    this.closed = true;
    await this.client.close();
  }

  private changed(host: string): void {
    this.certificates.delete(host);
    this.findMirrors();
    void this.client.forget(host);
    void this.readCertificates();
    this.options.onChange?.(host);
  }

  private findMirrors(): void {
    this.mirrors = new Mirrors(
      [...this.definitions.values()].flatMap(({ host, mirrorOf: of, mirrorPath: path }) =>
        of === undefined ? [] : [{ of, registry: host, ...(path === undefined ? {} : { path }) }],
      ),
    );
  }

  /** The client takes the PEM, not where it is: it is opened ahead, and the connections made anew when it is there. */
  private async readCertificates(failures = 0): Promise<void> {
    clearTimeout(this.retry);
    let isMissing = false;
    for (const { host, ca, clientCertificate } of this.definitions.values()) {
      if ((ca === undefined && clientCertificate === undefined) || this.certificates.has(host)) continue;
      try {
        this.certificates.set(host, await this.openCertificates({ ca, clientCertificate }));
        void this.client.forget(host);
      } catch {
        isMissing = true; // until they are there, connections fail on the certificate, and their message names the registry
      }
    }
    if (!isMissing || this.closed) return;
    const wait = Math.min(longestRetryMs, firstRetryMs * 2 ** failures);
    this.retry = setTimeout(() => void this.readCertificates(failures + 1), wait).unref();
  }

  private async openCertificates({
    ca,
    clientCertificate: shown,
  }: Pick<RegistryDefinition, 'ca' | 'clientCertificate'>): Promise<Certificates> {
    const { secrets } = this.options;
    return {
      ...(ca !== undefined && { ca: await secrets.open(ca) }),
      ...(shown && {
        clientCert: { cert: await secrets.open(shown.certificate), key: await secrets.open(shown.key) },
      }),
    };
  }

  private configOf(registry: string): HostConfig | undefined {
    const definition = this.definitions.get(registry);
    if (!definition) return undefined;
    const { scheme, endpoint, credentials, addressPolicy } = definition;
    return {
      registry,
      scheme,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...this.certificates.get(registry),
      ...(addressPolicy ? { addressPolicy } : {}),
      ...(credentials ? { credentials: () => this.credentialsOf(registry) } : {}),
    };
  }
}
