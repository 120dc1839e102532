import { Injectable } from '@nestjs/common';
import { PlinthError, type Input, type Output, type RegistryView } from '#libs/contracts';
import { cursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import { requireEtag, type CallContext } from '#libs/service';
import { checkNotifications, hookPathOf } from '../hooks/settings.js';
import { checkMirror } from '../registries/check-mirror.js';
import { registryDecider, type RegistryCommand } from '../registries/registry.decider.js';
import type { PollingView } from '../polling/poller.js';
import { requireStoredSecrets } from '../registries/require-secrets.js';
import { NatsSinks } from '../hooks/nats-sinks.js';
import { WatcherService } from '../watcher.service.js';

@Injectable()
export class RegistryHandlers {
  constructor(
    private readonly watcher: WatcherService,
    private readonly sinks: NatsSinks,
  ) {}

  async createRegistry(input: Input<'createRegistry'>, call: CallContext): Promise<RegistryView> {
    checkNotifications(input.notifications);
    checkMirror(input.host, input);
    await requireStoredSecrets(this.watcher.runtime.secrets, input);
    return this.execute(input.host, { type: 'register', definition: input }, call);
  }

  async listRegistries(input: Input<'listRegistries'>): Promise<Output<'listRegistries'>> {
    const size = pageSizeOf(input.pageSize);
    const after = cursorOf(input.pageToken) ?? '';
    const hosts = [...this.watcher.registries.all()]
      .map(({ host }) => host)
      .filter((host) => host > after)
      .sort();
    const page = hosts.slice(0, size);
    return {
      registries: page.map((host) => this.view(host)),
      nextPageToken: hosts.length > size ? tokenOf(page.at(-1)!) : '',
    };
  }

  async getRegistry({ host }: Input<'getRegistry'>, call: CallContext): Promise<RegistryView> {
    return this.show(host, call);
  }

  async updateRegistry({ host, ...patch }: Input<'updateRegistry'>, call: CallContext): Promise<RegistryView> {
    requireEtag(call, this.view(host).etag, `The registry ${host}`);
    checkNotifications(patch.notifications);
    const { mirrorOf, mirrorPath } = { ...this.view(host), ...patch };
    checkMirror(host, { mirrorOf, mirrorPath });
    await requireStoredSecrets(this.watcher.runtime.secrets, patch);
    return this.execute(host, { type: 'update', host, patch }, call);
  }

  async deleteRegistry({ host }: Input<'deleteRegistry'>, call: CallContext): Promise<Output<'deleteRegistry'>> {
    requireEtag(call, this.view(host).etag, `The registry ${host}`);
    const { log, registryStates } = this.watcher;
    const { sequence } = await log.commands.execute(registryStates, registryDecider, host, { type: 'remove', host });
    call.wrote(sequence);
    return {};
  }

  async testRegistry({ host }: Input<'testRegistry'>, call: CallContext): Promise<Output<'testRegistry'>> {
    this.view(host);
    const { registries, runtime } = this.watcher;
    const before = runtime.clock.now().getTime();
    const { ok, reachable, authentication, message } = await registries.client.ping(host, { signal: call.signal });
    return { host, ok, reachable, authentication, message, milliseconds: runtime.clock.now().getTime() - before };
  }

  private async execute(host: string, command: RegistryCommand, call: CallContext): Promise<RegistryView> {
    const { log, registryStates } = this.watcher;
    const { sequence } = await log.commands.execute(registryStates, registryDecider, host, command);
    call.wrote(sequence);
    await log.projector.waitFor(sequence, { timeoutMs: 2000, signal: call.signal });
    return this.show(host, call);
  }

  private show(host: string, call: CallContext): RegistryView {
    const view = this.view(host);
    call.setEtag(view.etag);
    return view;
  }

  private view(host: string): RegistryView {
    const { registryStates, notifiedAt, poller } = this.watcher;
    const { state, sequence } = registryStates.get(host);
    const { definition } = state;
    if (!definition) {
      throw new PlinthError('NOT_FOUND', `There is no registry ${host}. Make it known with POST /v1/registries.`);
    }
    const polling = poller.view(host);
    const { notifications } = definition;
    return {
      ...definition,
      etag: String(sequence),
      hookPath: notifications ? hookPathOf(host, notifications) : null,
      lastNotificationAt: notifiedAt.get(host) ?? null,
      lastError: polling.lastError?.message ?? this.sinks.errorOf(host) ?? null,
      watchedTags: polling.tags,
      polling: pollingOf(polling),
    };
  }
}

const timeOf = (ms: number | null | undefined): string | null => (ms ? new Date(ms).toISOString() : null);

const pollingOf = ({ settings, quota, ...now }: PollingView): RegistryView['polling'] => ({
  pacing: settings.pacing.kind,
  ...settings.limits,
  allowed: now.allowed,
  used: now.used,
  pausedUntil: timeOf(now.pausedUntil),
  failures: now.failures,
  quota: quota && {
    limit: quota.limit ?? null,
    remaining: quota.remaining ?? null,
    windowSeconds: quota.windowSeconds ?? null,
    at: new Date(quota.at).toISOString(),
  },
  looksSpendQuota: now.looksCount,
  lastErrorAt: timeOf(now.lastError?.at),
});
