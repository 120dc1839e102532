import { Injectable } from '@nestjs/common';
import { isPlinthError, PlinthError, type Notifications } from '#libs/contracts';
import { formatReference, parseReference } from '#libs/oci';
import type { RawHandler, RawRequest, RawResponse } from '#libs/service';
import { WatcherService } from '../watcher.service.js';
import { HookFormatError, type Hint, type HookDialect, type HookRequest } from './dialect.js';
import { dialects } from './index.js';
import { hookMetrics, type HookMetrics } from './metrics.js';
import { referenceOf } from './reference-of.js';
import { SeenDeliveries } from './seen-deliveries.js';
import { SenderCheck } from './sender-check.js';

/** Largest body of a notification: an envelope of Distribution with a hundred events is below a tenth of it. */
export const maxHookBytes = 1024 * 1024;

/**
 * Takes notifications of registries. It answers before it looks: senders wait as little as a second, and what is lost
 * is found by polling.
 */
@Injectable()
export class HookHandler implements RawHandler {
  private readonly check: SenderCheck;
  private readonly deliveries = new SeenDeliveries();
  private readonly metrics: HookMetrics;

  constructor(private readonly watcher: WatcherService) {
    this.check = new SenderCheck(watcher.runtime);
    this.metrics = hookMetrics(watcher.runtime.metrics.registry);
  }

  async handle({ method, params, headers, body }: RawRequest): Promise<RawResponse> {
    const name = params['dialect'] ?? '';
    const dialect = dialects.get(name);
    if (!dialect) {
      const known = [...dialects.keys()].join(', ');
      throw new PlinthError('NOT_FOUND', `There is no notification dialect ${name}. Known are: ${known}.`);
    }
    const host = params['registry'] ?? '';
    const request: HookRequest = {
      headers: Object.fromEntries(
        Object.entries(headers).map(([header, value]) => [header, Array.isArray(value) ? value[0] : value]),
      ),
      body,
    };
    try {
      const notifications = await this.authenticate(name, dialect, host, request, params['key']);
      return this.take(name, host, request, notifications, method);
    } catch (error) {
      if (isPlinthError(error) && error.code === 'UNAUTHENTICATED') this.metrics.notified(name, 'refused');
      throw error;
    }
  }

  /**
   * Takes a notification whose sender is known as genuine.
   * @throws PlinthError INVALID_ARGUMENT when it is not of the dialect
   */
  take(
    name: string,
    host: string,
    request: HookRequest,
    { rewrites }: Notifications,
    method: RawRequest['method'] = 'POST',
  ): RawResponse {
    const dialect = dialects.get(name);
    if (!dialect) throw new PlinthError('NOT_FOUND', `There is no notification dialect ${name}.`);
    try {
      const answer = this.read(name, dialect, request, method);
      this.metrics.notified(name, 'accepted');
      const now = this.watcher.runtime.clock.now().toISOString();
      this.watcher.notifiedAt.set(host, now);
      if (!Array.isArray(answer)) return answer;
      this.hint(answer, host, rewrites, now);
      return { status: 202 };
    } catch (error) {
      if (isPlinthError(error) && error.code === 'INVALID_ARGUMENT') this.metrics.notified(name, 'malformed');
      throw error;
    }
  }

  private hint(hints: readonly Hint[], host: string, rewrites: Notifications['rewrites'], now: string): void {
    const { tags, registries } = this.watcher;
    const seen = new Set<string>();
    for (const hint of hints) {
      const own = referenceOf(hint, host, rewrites);
      if (own === undefined) continue;
      const parsed = parseReference(own);
      // What a mirror tells is told of the images that are followed there, too.
      const followed = registries.mirroredBy(parsed).map((one) => formatReference({ ...parsed, ...one }));
      for (const reference of [own, ...followed]) {
        if (seen.has(reference) || !tags.get(reference).state.watched) continue;
        seen.add(reference);
        if (hint.id !== undefined && !this.deliveries.isNew(`${hint.id} ${reference}`)) continue;
        void this.watcher.hint(reference, hint.digest, now);
      }
    }
  }

  /** Whether the registry is unknown, does not notify, or the secret is wrong is the same answer to a stranger. */
  private async authenticate(
    name: string,
    dialect: HookDialect,
    host: string,
    request: HookRequest,
    key: string | undefined,
  ): Promise<Notifications> {
    const { registries, runtime } = this.watcher;
    const notifications = registries.definitionOf(host)?.notifications;
    if (notifications?.dialect === name) {
      try {
        if (await this.check.isGenuine(dialect, notifications, request, key)) return notifications;
      } catch (error) {
        // Its sender tries again when it hears that this could not be decided now.
        if (isPlinthError(error) && error.code === 'UNAVAILABLE') throw error;
        // The sentence names the secret and how to store it: for the operator, not for a stranger.
        runtime.logger.warn({ registry: host, error: String(error) }, 'the secret of notifications cannot be opened');
      }
    }
    throw new PlinthError(
      'UNAUTHENTICATED',
      `This is no notification of ${host}: the registry must be known with notifications of dialect ${name}, and the sender must prove who it is as its settings say.`,
    );
  }

  /** What a dialect makes of a body: the hints, or the answer to a question of its sender. */
  private read(
    name: string,
    dialect: HookDialect,
    request: HookRequest,
    method: RawRequest['method'],
  ): Hint[] | RawResponse {
    try {
      if (method === 'OPTIONS') {
        if (dialect.preflight) return dialect.preflight(request);
        throw new HookFormatError(`No sender of ${name} asks by OPTIONS; notifications come by POST.`);
      }
      return dialect.handshake?.(request) ?? dialect.parse(request);
    } catch (error) {
      if (!(error instanceof HookFormatError)) throw error;
      throw new PlinthError('INVALID_ARGUMENT', error.message, [{ field: 'body', message: error.message }]);
    }
  }
}
