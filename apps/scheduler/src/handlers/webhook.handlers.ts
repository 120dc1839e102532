import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  isPlinthError,
  PlinthError,
  type Delivery,
  type FieldViolation,
  type Input,
  type Output,
  type WebhookView,
} from '#libs/contracts';
import { numberCursorOf, pageByName, pageSizeOf, tokenOf } from '#libs/runtime';
import { isOwn, requireEtag, type CallContext } from '#libs/service';
import { SchedulerService } from '../scheduler.service.js';
import { unknownPatterns } from '../webhooks/event-types.js';
import { testMessage } from '../webhooks/payload.js';
import type { Progress } from '../webhooks/progress.js';
import { newSecret, overlapMs, secretNameOf } from '../webhooks/signing.js';
import {
  missingWebhook,
  mostReplays,
  webhookDecider,
  type WebhookCommand,
  type WebhookState,
} from '../webhooks/webhook.decider.js';
import { deliveryOf } from '../webhooks/worker.js';

/** Webhooks of one team. */
const mostWebhooks = 50;

@Injectable()
export class WebhookHandlers {
  constructor(private readonly scheduler: SchedulerService) {}

  async createWebhook(input: Input<'createWebhook'>, call: CallContext): Promise<Output<'createWebhook'>> {
    const { name, url, eventTypes, status } = input;
    this.requireDeliverable(input);
    const { webhooks, runtime } = this.scheduler;
    const team = input.team ?? call.principal.team;
    const definition = { name, url, eventTypes, team, status };
    const by = call.principal.subject;
    this.requireRoom(team);
    // Refused before a secret is stored for nothing.
    webhookDecider.decide({ type: 'create', definition, secretVersion: 1, by }, webhooks.get(name).state);
    const secret = newSecret();
    const { version: secretVersion } = await runtime.secrets.set(secretNameOf(name), secret, { team });
    return { ...(await this.execute(name, { type: 'create', definition, secretVersion, by }, call)), secret };
  }

  async listWebhooks(input: Input<'listWebhooks'>, { principal }: CallContext): Promise<Output<'listWebhooks'>> {
    const own = [...this.scheduler.webhooks.all({ live: true })]
      .filter(([, { state }]) => state.definition && isOwn(principal, state.definition.team))
      .map(([name]) => ({ name }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const { items, nextPageToken } = pageByName(own, input);
    return { webhooks: await Promise.all(items.map(({ name }) => this.view(name))), nextPageToken };
  }

  getWebhook({ name }: Input<'getWebhook'>, call: CallContext): Promise<WebhookView> {
    return this.show(name, call);
  }

  async updateWebhook({ name, ...patch }: Input<'updateWebhook'>, call: CallContext): Promise<WebhookView> {
    this.requireDeliverable(patch);
    requireEtag(call, String(this.find(name).sequence), `The webhook ${name}`);
    return this.execute(name, { type: 'update', name, patch, by: call.principal.subject }, call);
  }

  async deleteWebhook({ name }: Input<'deleteWebhook'>, call: CallContext): Promise<Output<'deleteWebhook'>> {
    requireEtag(call, String(this.find(name).sequence), `The webhook ${name}`);
    const { log, webhooks, runtime } = this.scheduler;
    const command: WebhookCommand = { type: 'delete', name, by: call.principal.subject };
    const { sequence } = await log.commands.execute(webhooks, webhookDecider, name, command);
    call.wrote(sequence);
    try {
      await runtime.secrets.delete(secretNameOf(name));
    } catch (error) {
      if (!isPlinthError(error) || error.code !== 'NOT_FOUND') throw error;
    }
    return {};
  }

  async rotateWebhookSecret(
    { name }: Input<'rotateWebhookSecret'>,
    call: CallContext,
  ): Promise<Output<'rotateWebhookSecret'>> {
    this.find(name);
    const { clock, secrets } = this.scheduler.runtime;
    const secret = newSecret();
    const { version: secretVersion } = await secrets.set(secretNameOf(name), secret);
    const previousUntil = new Date(clock.now().getTime() + overlapMs).toISOString();
    const by = call.principal.subject;
    await this.execute(name, { type: 'rotate', name, secretVersion, previousUntil, by }, call);
    return { secret, previousSecretUntil: previousUntil };
  }

  async testWebhook({ name }: Input<'testWebhook'>, call: CallContext): Promise<Delivery> {
    const { state } = this.find(name);
    const { post, runtime } = this.scheduler;
    const message = testMessage(randomUUID(), name, runtime.clock.now());
    const outcome = await post(state, message, call.signal);
    return deliveryOf(message, 0, false, 1, outcome, runtime.clock.now());
  }

  async listDeliveries(input: Input<'listDeliveries'>): Promise<Output<'listDeliveries'>> {
    const { deliveries } = await this.progressOf(input.name);
    const size = pageSizeOf(input.pageSize);
    const from = numberCursorOf(input.pageToken) ?? 0;
    const page = deliveries.slice(from, from + size);
    return {
      deliveries: page,
      nextPageToken: deliveries.length > from + size ? tokenOf(from + size) : '',
    };
  }

  async replayWebhook({ name, from, to }: Input<'replayWebhook'>, call: CallContext): Promise<WebhookView> {
    const { definition } = this.find(name).state;
    const { first, last } = await this.scheduler.runtime.jet.events.range();
    const problems: FieldViolation[] = [];
    if (from < first)
      problems.push({ field: 'from', message: `expected at least ${first}: what was before is archived` });
    if (to < from || to > last)
      problems.push({ field: 'to', message: `expected ${from} to ${last}, where the log ends` });
    if (problems.length > 0) {
      const message = `There are no events from ${from} to ${to}: ${problems[0]?.message}.`;
      throw new PlinthError('INVALID_ARGUMENT', message, problems);
    }
    if (definition?.status !== 'Enabled') {
      throw new PlinthError('FAILED_PRECONDITION', `The webhook ${name} is disabled. Enable it: status: Enabled.`);
    }
    if ((await this.view(name)).replays.length >= mostReplays) {
      const message = `${mostReplays} replays of ${name} wait already. Wait until one is done.`;
      throw new PlinthError('FAILED_PRECONDITION', message);
    }
    return this.execute(name, { type: 'replay', name, from, to, by: call.principal.subject }, call);
  }

  /** Each webhook reads the log by itself. */
  private requireRoom(team: string): void {
    const all = [...this.scheduler.webhooks.all({ live: true })];
    if (all.filter(([, { state }]) => state.definition?.team === team).length < mostWebhooks) return;
    throw new PlinthError(
      'RESOURCE_EXHAUSTED',
      `The team ${team} has ${mostWebhooks} webhooks already. Delete one first.`,
    );
  }

  /** @throws PlinthError INVALID_ARGUMENT naming the fields */
  private requireDeliverable({
    url,
    eventTypes,
  }: {
    url?: string | undefined;
    eventTypes?: string[] | undefined;
  }): void {
    const problem = url === undefined ? undefined : this.scheduler.sender.problemOf(url);
    const problems = [
      ...(problem === undefined ? [] : [{ field: 'url', message: problem }]),
      ...unknownPatterns(eventTypes ?? []),
    ];
    if (problems.length === 0) return;
    throw new PlinthError('INVALID_ARGUMENT', `The webhook cannot be taken: ${problems[0]?.message}.`, problems);
  }

  private async execute(name: string, command: WebhookCommand, call: CallContext): Promise<WebhookView> {
    const { log, webhooks } = this.scheduler;
    const { sequence } = await log.commands.execute(webhooks, webhookDecider, name, command);
    call.wrote(sequence);
    await log.projector.waitFor(sequence, { timeoutMs: 2000, signal: call.signal });
    return this.show(name, call);
  }

  private find(name: string): { readonly state: WebhookState; readonly sequence: number } {
    const found = this.scheduler.webhooks.get(name);
    if (!found.state.definition) throw missingWebhook(name);
    return found;
  }

  private async progressOf(name: string): Promise<Pick<Progress, 'live' | 'replayed' | 'deliveries'>> {
    const { since } = this.find(name).state;
    const { progress } = await this.scheduler.progress.load(name);
    return progress?.since === since
      ? progress
      : { live: { position: since, failing: null }, replayed: 0, deliveries: [] };
  }

  private async show(name: string, call: CallContext): Promise<WebhookView> {
    const view = await this.view(name);
    call.setEtag(view.etag);
    return view;
  }

  private async view(name: string): Promise<WebhookView> {
    const { state, sequence } = this.find(name);
    const { definition, createdAt, disabled, previousSecret, replays } = state;
    if (!definition) throw missingWebhook(name);
    const { live, replayed } = await this.progressOf(name);
    const isRotating =
      previousSecret && Date.parse(previousSecret.until) > this.scheduler.runtime.clock.now().getTime();
    return {
      ...definition,
      etag: String(sequence),
      createdAt,
      disabled,
      position: live.position,
      failing: disabled ? null : live.failing,
      replays: replays.filter(({ at }) => at > replayed).map(({ from, to }) => ({ from, to })),
      previousSecretUntil: isRotating ? previousSecret.until : null,
    };
  }
}
