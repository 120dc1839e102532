import { z } from 'zod';
import { policyPresetSchema } from '#libs/contracts';
import { logLevels } from './logging.js';

/** `a:b` → `['a', 'b']`; absent → `[]`. */
const list = z
  .string()
  .default('')
  .transform((text) => text.split(':').filter((one) => one !== ''));

const port = z.coerce.number().int().min(0).max(65_535);

/** What every service reads from its environment. Services add their own variables with `.extend`. */
export const configSchema = z.object({
  PLINTH_DATA: z.string().min(1).default('.plinth/data').describe('Folder for projections and caches; may be lost.'),
  PLINTH_NATS_URL: z
    .string()
    .regex(
      /^(?:(?:nats|tls|wss?):\/\/)?[^\s,]+(?:,(?:(?:nats|tls|wss?):\/\/)?[^\s,]+)*$/,
      'expected nats://host:4222, several with commas',
    )
    .default('nats://127.0.0.1:4222')
    .describe('Servers of the event log.'),
  PLINTH_NATS_CREDS: z.string().optional().describe('File with NATS credentials (.creds).'),
  PLINTH_NATS_USER: z.string().optional(),
  PLINTH_NATS_PASSWORD: z.string().optional(),
  PLINTH_NATS_TLS_CA: z.string().optional().describe('File with the certificate authority of the NATS servers.'),
  PLINTH_NATS_TLS_CERT: z.string().optional().describe('File with our certificate for NATS.'),
  PLINTH_NATS_TLS_KEY: z.string().optional().describe('File with the key of that certificate.'),
  PLINTH_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on; loopback unless said.'),
  PLINTH_HTTP_PORT: port.default(7460).describe('Port of HTTP; 0 for any free one.'),
  PLINTH_GRPC_PORT: port.default(7461).describe('Port of gRPC; 0 for any free one.'),
  PLINTH_KEY_FILE: z.string().min(1).optional().describe('File with the keys that seal secrets, mode 0600.'),
  PLINTH_SECRET_DIRS: list.describe(
    'Folders below which file:/… secrets may lie, with colons between; none unless said.',
  ),
  PLINTH_SECRET_ENV: list.describe('Variables that env:NAME may read besides PLINTH_SECRET_…, with colons between.'),
  PLINTH_LOG_LEVEL: z.enum(logLevels).default('info'),
  PLINTH_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe('Token that a client sends, and the first admin token of a new installation.'),
  PLINTH_OIDC: z
    .string()
    .optional()
    .describe('Issuers whose OpenID Connect tokens are taken, and what these may do: YAML or JSON, or @ and a file.'),
  PLINTH_POLICY: policyPresetSchema.default('acr').describe('Preset that decides where no adoption policy fits.'),
  PLINTH_DOCKER_HUB_API: z
    .union([z.literal('off'), z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''))])
    .default('https://hub.docker.com')
    .describe(
      'Where lists of tags at Docker Hub are read, when five tags of one repository are watched there; or off.',
    ),
  PLINTH_VALIDATE_RESPONSES: z.stringbool().default(false).describe('Hold every answer against its schema.'),
});
export type Config = z.output<typeof configSchema>;

/** Variables whose value is never shown. */
const secret = /PASSWORD|TOKEN|SECRET|KEY$/;

/** The environment does not say what it must; one line for each variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';
  constructor(readonly problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

/**
 * Reads the variables of `schema`. Empty ones count as absent: that is how compose files and charts leave one out.
 *
 * @throws ConfigError naming each variable, what was expected and what it was (never the value of a secret)
 */
export const loadConfig = <S extends z.ZodObject = typeof configSchema>(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  schema: S = configSchema as unknown as S,
): z.output<S> => {
  const names = Object.keys(schema.shape);
  const given = Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    parsed.error.issues.map((issue) => {
      const name = String(issue.path[0] ?? '');
      const value = given[name];
      const was = value === undefined ? 'not set' : secret.test(name) ? 'set to something else' : JSON.stringify(value);
      return `${name}: ${issue.message}; it is ${was}.`;
    }),
  );
};
