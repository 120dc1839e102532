import type { JetOptions } from './jet.js';

/** The settings that say where NATS is, and how to log in there: environment variables of that name. */
export interface NatsSettings {
  readonly PLINTH_NATS_URL: string;
  readonly PLINTH_NATS_USER?: string | undefined;
  readonly PLINTH_NATS_PASSWORD?: string | undefined;
  readonly PLINTH_NATS_CREDS?: string | undefined;
  readonly PLINTH_NATS_TLS_CA?: string | undefined;
  readonly PLINTH_NATS_TLS_CERT?: string | undefined;
  readonly PLINTH_NATS_TLS_KEY?: string | undefined;
}

export const connectionOf = (
  settings: NatsSettings,
): Pick<JetOptions, 'servers' | 'user' | 'pass' | 'credsFile' | 'tls'> => {
  const { PLINTH_NATS_USER: user, PLINTH_NATS_PASSWORD: pass, PLINTH_NATS_CREDS: credsFile } = settings;
  const { PLINTH_NATS_TLS_CA: caFile, PLINTH_NATS_TLS_CERT: certFile, PLINTH_NATS_TLS_KEY: keyFile } = settings;
  const tls = { ...(caFile ? { caFile } : {}), ...(certFile ? { certFile } : {}), ...(keyFile ? { keyFile } : {}) };
  return {
    servers: settings.PLINTH_NATS_URL.split(','),
    ...(user ? { user } : {}),
    ...(pass ? { pass } : {}),
    ...(credsFile ? { credsFile } : {}),
    ...(caFile || certFile ? { tls } : {}),
  };
};
