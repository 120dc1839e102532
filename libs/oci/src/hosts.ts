import { rootCertificates } from 'node:tls';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { AddressPolicy } from './address-policy.js';

/** How to log in: a password (or personal access token), or an identity token for the OAuth2 form of the token API. */
export type RegistryCredentials =
  { readonly username: string; readonly password: string } | { readonly identityToken: string };

/** How one registry is reached. */
export interface HostConfig {
  /** The host as written in references, with its port: `docker.io`, `registry.corp:5000`. */
  readonly registry: string;
  /** `http` only when configured so: it is never guessed. */
  readonly scheme: 'https' | 'http';
  /** `host[:port]` that is really talked to; for docker.io registry-1.docker.io, else the registry itself. */
  readonly endpoint?: string;
  /** PEM of further authorities to trust, besides the system's. */
  readonly ca?: string;
  /** PEM of a certificate to show to this registry, and to no other host. */
  readonly clientCert?: { readonly cert: string; readonly key: string };
  /** Asked when the registry demands a login, and again after it refused one. */
  readonly credentials?: () => Promise<RegistryCredentials | undefined>;
  /**
   * CIDRs to which this registry may send us (token server, storage redirects) although they are not public. Its own
   * host needs no entry.
   */
  readonly addressPolicy?: readonly string[];
  /**
   * True for a registry that nobody configured, its name came out of a Dockerfile: then the registry itself, too, must
   * have a public address.
   */
  readonly unlisted?: boolean;
  /** For registries whose HEAD or Docker-Content-Digest is wrong: always GET, and believe the bytes alone. */
  readonly disableHead?: boolean;
}

/** The configurations of known registries, or a function that gives one; without one a registry is `unlisted`. */
export type Hosts = readonly HostConfig[] | ((registry: string) => HostConfig | undefined);

/** Milliseconds. `headersMs` and `bodyMs` are silences; `totalMs` bounds everything but the transfer of blobs. */
export interface FetchTimeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly bodyMs: number;
  readonly totalMs: number;
}

export const defaultTimeouts: FetchTimeouts = {
  connectMs: 10_000,
  headersMs: 30_000,
  bodyMs: 30_000,
  totalMs: 120_000,
};

/** @throws RangeError when a configuration cannot be used: unreadable endpoint or CIDR. */
export function hostConfigFor(hosts: Hosts, registry: string): HostConfig {
  const config = typeof hosts === 'function' ? hosts(registry) : hosts.find((host) => host.registry === registry);
  return config ?? { registry, scheme: 'https', unlisted: true };
}

/**
 * The connections of one registry. Two kinds, because of whom they may reach: the registry's own host, trusted as
 * configured; and whatever host the registry names (token server, storage), where the address policy holds.
 */
export class HostConnections {
  readonly origin: URL;
  private readonly own: Agent;
  private readonly others: Agent;

  constructor(
    readonly config: HostConfig,
    timeouts: FetchTimeouts,
  ) {
    const endpoint = config.endpoint ?? (config.registry === 'docker.io' ? 'registry-1.docker.io' : config.registry);
    this.origin = originOf(config.scheme, endpoint);
    const policy = new AddressPolicy(config.addressPolicy);
    const ca = config.ca === undefined ? {} : { ca: [...rootCertificates, config.ca] };
    this.own = agent(config.unlisted ? policy : undefined, { ...ca, ...config.clientCert }, timeouts);
    this.others = agent(policy, ca, timeouts);
  }

  /** Whether the URL is at the registry's own host; another port of it counts, token servers often live there. */
  owns(url: URL): boolean {
    return url.hostname === this.origin.hostname;
  }

  dispatcherFor(url: URL): Dispatcher {
    return this.owns(url) ? this.own : this.others;
  }

  async close(): Promise<void> {
    await Promise.all([this.own.destroy(), this.others.destroy()]);
  }
}

function agent(policy: AddressPolicy | undefined, tls: object, timeouts: FetchTimeouts): Agent {
  const connector = buildConnector({
    ...tls,
    timeout: timeouts.connectMs,
    ...(policy && { lookup: policy.lookup }),
  } as buildConnector.BuildOptions);
  return new Agent({
    connections: 64,
    keepAliveTimeout: 30_000,
    // The next request after a keep-alive hint must not race the server's closing.
    keepAliveTimeoutThreshold: 2_000,
    connect: (options, callback) => {
      try {
        policy?.checkLiteral(options.hostname);
      } catch (error) {
        callback(error as Error, null);
        return;
      }
      connector(options, callback);
    },
  });
}

function originOf(scheme: string, endpoint: string): URL {
  const url = URL.parse(`${scheme}://${endpoint}`);
  if (!url || url.pathname !== '/' || url.search || url.hash || url.username || url.password) {
    throw new RangeError(`${JSON.stringify(endpoint)} is not an endpoint; expected host[:port], as registry.corp:5000`);
  }
  return url;
}
