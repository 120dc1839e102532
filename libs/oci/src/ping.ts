import { drain } from './answers.js';
import { isRegistryError, type RegistryErrorCode } from './errors.js';
import type { CallOptions } from './operations.js';
import type { Transport } from './transport.js';

/** The result of testing a registry, with a sentence for people. */
export interface PingResult {
  /** Reachable, and our login (if any is needed) is accepted. */
  readonly ok: boolean;
  readonly reachable: boolean;
  /** How the registry wants logins: not at all so far, Basic, or bearer tokens. */
  readonly authentication: 'none' | 'basic' | 'bearer';
  readonly code?: RegistryErrorCode;
  readonly message: string;
}

/** Asks `GET /v2/` with our login. Never throws for what is wrong at the registry. */
export async function ping(transport: Transport, registry: string, options: CallOptions = {}): Promise<PingResult> {
  const { connections, auth } = transport.hostOf(registry);
  const endpoint = connections.origin.origin;
  const call = {
    registry,
    doing: 'GET /v2/',
    method: 'GET',
    target: '/v2/',
    scopes: [],
    accept: [200],
    ...options,
  } as const;
  try {
    await transport.send(call, drain);
    const login =
      auth.kind === 'none'
        ? 'it asks for no login'
        : connections.config.credentials
          ? `it accepted the ${auth.kind === 'basic' ? 'login' : 'login for a token'}`
          : 'it gives tokens to anonymous readers';
    return {
      ok: true,
      reachable: true,
      authentication: auth.kind,
      message: `${registry} answers at ${endpoint}; ${login}.`,
    };
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    const reachable = error.status !== undefined;
    const what = reachable ? `${registry} answers at ${endpoint}, but` : `${registry} cannot be used at ${endpoint}:`;
    return { ok: false, reachable, authentication: auth.kind, code: error.code, message: `${what} ${error.message}` };
  }
}
