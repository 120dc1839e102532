import { Injectable } from '@nestjs/common';
import { PlinthError } from '#libs/contracts';
import { canonicalReference } from '#libs/oci';
import type { RawHandler, RawRequest, RawResponse } from '#libs/service';
import { WatcherService } from '../watcher.service.js';
import { HookFormatError, type HookDialect, type HookRequest } from './dialect.js';
import { dialects } from './index.js';

/** Largest body of a notification: an envelope of Distribution with a hundred events is below a tenth of it. */
export const maxHookBytes = 1024 * 1024;

/**
 * Takes notifications of registries. It answers before it looks: senders wait as little as a second, and what is lost
 * is found by polling.
 */
@Injectable()
export class HookHandler implements RawHandler {
  constructor(private readonly watcher: WatcherService) {}

  async handle({ params, headers, body }: RawRequest): Promise<RawResponse> {
    const dialect = dialects.get(params['dialect'] ?? '');
    if (!dialect) {
      const known = [...dialects.keys()].join(', ');
      throw new PlinthError('NOT_FOUND', `There is no notification dialect ${params['dialect']}. Known are: ${known}.`);
    }
    const host = params['registry'] ?? '';
    const request: HookRequest = {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
      ),
      body,
    };
    await this.authenticate(dialect, host, request);
    const hints = this.parse(dialect, request);
    const { runtime, tags, notifiedAt } = this.watcher;
    const now = runtime.clock.now().toISOString();
    notifiedAt.set(host, now);
    const seen = new Set<string>();
    for (const { repository, tag, digest } of hints) {
      let reference: string;
      try {
        reference = canonicalReference(`${host}/${repository}:${tag}`);
      } catch {
        continue; // not a name that anything could stand on
      }
      if (seen.has(reference) || !tags.get(reference).state.watched) continue;
      seen.add(reference);
      void this.watcher.hint(reference, digest, now);
    }
    return { status: 202 };
  }

  /** Whether the registry is unknown, does not notify, or the secret is wrong is the same answer to a stranger. */
  private async authenticate(dialect: HookDialect, host: string, request: HookRequest): Promise<void> {
    const { registries, runtime } = this.watcher;
    const notifications = registries.definitionOf(host)?.notifications;
    let secret: string | undefined;
    if (notifications?.dialect === dialect.name) {
      try {
        secret = await runtime.secrets.open(notifications.secret);
      } catch (error) {
        // The sentence names the secret and how to store it: for the operator, not for a stranger.
        runtime.logger.warn({ registry: host, error: String(error) }, 'the secret of notifications cannot be opened');
      }
    }
    if (secret !== undefined && dialect.authenticates(request, secret)) return;
    throw new PlinthError(
      'UNAUTHENTICATED',
      `This is no notification of ${host}: the registry must be known with notifications of dialect ${dialect.name}, and send its secret.`,
    );
  }

  private parse(dialect: HookDialect, request: HookRequest) {
    try {
      return dialect.parse(request);
    } catch (error) {
      if (!(error instanceof HookFormatError)) throw error;
      throw new PlinthError('INVALID_ARGUMENT', error.message, [{ field: 'body', message: error.message }]);
    }
  }
}
