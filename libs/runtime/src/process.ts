import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DynamicModule, Type } from '@nestjs/common';
import { isPlinthError } from '#libs/contracts';
import { connectionOf, isLogError, Jet, systemClock, type Limits } from '#libs/event-log';
import {
  bootstrapService,
  createKeyFile,
  createLogger,
  DiagnosticChecks,
  firstOf,
  Health,
  Metrics,
  OidcAuthenticator,
  readOidcSettings,
  Redactor,
  SecretStore,
  TokenStore,
  type Config,
  type RunningService,
} from '#libs/service';
import { checkProcess } from './check-process.js';
import { EventsModule } from './events.module.js';
import { RuntimeModule, type Runtime } from './runtime.js';

export interface ProcessOptions {
  /** `watcher`, `standalone` …: in logs, metrics and as the source of events. */
  readonly name: string;
  readonly config: Config;
  readonly modules: readonly (Type | DynamicModule)[];
  /** Create streams and buckets that are missing; else they must be there. */
  readonly provision: boolean;
  /** How much the streams may keep. */
  readonly limits?: Partial<Limits>;
  /** Make a key file and a first admin token when there is none. A token that the environment gives is taken anyway. */
  readonly firstStart: boolean;
  /** Told when a part of the process cannot go on; the process should end with an error. */
  readonly onFailure?: (error: Error) => void;
}

export interface RunningProcess {
  readonly service: RunningService;
  readonly runtime: Runtime;
  /** File with the first admin token, where there is one. */
  readonly tokenFile: string;
  close(): Promise<void>;
}

const exists = async (file: string): Promise<boolean> => {
  try {
    await readFile(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

const firstAdmin = { name: 'first-admin', scope: 'admin', team: 'default' } as const;

/** Takes the token of the environment as the first admin token. Whichever process comes first does; all have the same. */
const adoptFirstToken = async (tokens: TokenStore, token: string): Promise<void> => {
  try {
    await tokens.adopt({ ...firstAdmin, token });
  } catch (error) {
    if (!(isPlinthError(error) && error.code === 'ALREADY_EXISTS')) throw error;
  }
};

/** The first admin token of an installation: made once, kept in a file that only its owner reads. */
const firstToken = async (tokens: TokenStore, { config, firstStart }: ProcessOptions, file: string): Promise<void> => {
  if ((await tokens.list()).length > 0) return;
  if (config.PLINTH_TOKEN) return adoptFirstToken(tokens, config.PLINTH_TOKEN);
  if (!firstStart) return;
  const { token } = await tokens.create(firstAdmin);
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
};

/** Connects to the log, opens secrets and tokens, and serves the modules: what every process of Plinth does. */
export const runProcess = async (options: ProcessOptions): Promise<RunningProcess> => {
  const { name, config, modules } = options;
  const redactor = new Redactor();
  const logger = createLogger({ name, level: config.PLINTH_LOG_LEVEL, redactor });
  const health = new Health();
  const metrics = new Metrics({ service: name });
  const providers = config.PLINTH_OIDC ? await readOidcSettings(config.PLINTH_OIDC) : [];
  await mkdir(config.PLINTH_DATA, { recursive: true, mode: 0o700 });

  const jet = await Jet.connect({
    ...connectionOf(config),
    name,
    logger,
  });
  try {
    if (options.provision) await jet.provision(options.limits);
    const problems = await jet.check(options.limits);
    if (problems.length > 0)
      throw new Error(`The log is not as it must be:\n${problems.map((one) => `  ${one}`).join('\n')}`);
    health.register('log connection', () =>
      jet.status() === 'connected' ? undefined : 'The connection to NATS is lost; it is tried again until it is back.',
    );

    const keyFile = config.PLINTH_KEY_FILE ?? join(config.PLINTH_DATA, 'plinth.key');
    if (options.firstStart && !(await exists(keyFile))) await createKeyFile(keyFile);
    const secrets = await SecretStore.open({
      bucket: jet.kv('secrets'),
      keyFile,
      redactor,
      folders: config.PLINTH_SECRET_DIRS,
      variables: config.PLINTH_SECRET_ENV,
    });
    const tokens = await TokenStore.open({ bucket: jet.kv('tokens'), redactor });
    const tokenFile = join(config.PLINTH_DATA, 'admin.token');
    await firstToken(tokens, options, tokenFile);

    const diagnostics = new DiagnosticChecks();
    checkProcess(diagnostics, { config, jet, keyFile, tokenFile, clock: systemClock, limits: options.limits });
    const runtime: Runtime = {
      name,
      config,
      jet,
      secrets,
      tokens,
      clock: systemClock,
      logger,
      redactor,
      health,
      diagnostics,
      metrics,
      onFailure: (error) => {
        logger.error(
          { code: isLogError(error) ? error.code : undefined, error: error.message },
          'a service cannot go on',
        );
        options.onFailure?.(error);
      },
    };
    const service = await bootstrapService({
      name,
      config,
      logger,
      redactor,
      health,
      metrics,
      // Our own first: they cost nothing, and are taken when an issuer is away.
      authenticator: firstOf([tokens, new OidcAuthenticator({ providers, logger })]),
      modules: [RuntimeModule.with(runtime), EventsModule, ...modules],
      signals: false,
    });
    const close = async (): Promise<void> => {
      await service.close();
      tokens.close();
      await jet.close();
    };
    return { service, runtime, tokenFile, close };
  } catch (error) {
    await jet.close();
    throw error;
  }
};

/**
 * Runs a process until it is told to stop (SIGTERM, SIGINT) or cannot go on. An error at the start is one sentence on
 * stderr and exit code 1, never a stack.
 */
export const main = async (
  start: (fail: (error: Error) => void) => Promise<{ close(): Promise<void> }>,
): Promise<void> => {
  const ended = Promise.withResolvers<number>();
  // Timers of ours keep no process alive; while it waits for one at the start, there may be nothing else that does.
  setInterval(() => undefined, 60_000);
  try {
    // Heard from the first moment: what is told to stop while it starts is started to its end, and then stopped.
    process.once('SIGTERM', () => ended.resolve(0)).once('SIGINT', () => ended.resolve(0));
    const running = await start(() => ended.resolve(1));
    const code = await ended.promise;
    await running.close();
    process.exit(code);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
};
