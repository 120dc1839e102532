import { Injectable } from '@nestjs/common';
import {
  PlinthError,
  policyLimit,
  type Input,
  type Output,
  type PolicyDefinition,
  type PolicyView,
} from '#libs/contracts';
import { policyFor, refuseTies } from '#libs/domain';
import { cursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import { requireEtag, type CallContext } from '#libs/service';
import { patched, policyDecider, type PolicyCommand } from '../policy/policy.decider.js';
import { WatcherService } from '../watcher.service.js';

@Injectable()
export class PolicyHandlers {
  constructor(private readonly watcher: WatcherService) {}

  async createPolicy(input: Input<'createPolicy'>, call: CallContext): Promise<PolicyView> {
    const { policies } = this.watcher;
    refuseTies(input, policies.all());
    if (policies.all().length >= policyLimit) {
      throw new PlinthError('FAILED_PRECONDITION', `There are ${policyLimit} policies already; delete one first.`);
    }
    return this.execute(input.name, { type: 'create', definition: input }, call);
  }

  async listPolicies(input: Input<'listPolicies'>): Promise<Output<'listPolicies'>> {
    const { policies } = this.watcher;
    const size = pageSizeOf(input.pageSize);
    const after = cursorOf(input.pageToken) ?? '';
    const names = policies
      .all()
      .map(({ name }) => name)
      .filter((name) => name > after)
      .sort();
    const page = names.slice(0, size);
    const counts = this.counts();
    return {
      preset: policies.preset,
      policies: page.map((name) => this.view(name, counts)),
      nextPageToken: names.length > size ? tokenOf(page.at(-1)!) : '',
    };
  }

  async getPolicy({ name }: Input<'getPolicy'>, call: CallContext): Promise<PolicyView> {
    return this.show(name, call);
  }

  async updatePolicy({ name, ...patch }: Input<'updatePolicy'>, call: CallContext): Promise<PolicyView> {
    const { definition, etag } = this.known(name);
    requireEtag(call, etag, `The policy ${name}`);
    refuseTies(patched(definition, patch), this.watcher.policies.all());
    return this.execute(name, { type: 'update', name, patch }, call);
  }

  async deletePolicy({ name }: Input<'deletePolicy'>, call: CallContext): Promise<Output<'deletePolicy'>> {
    requireEtag(call, this.known(name).etag, `The policy ${name}`);
    const { log, policyStates, policies } = this.watcher;
    const { sequence } = await log.commands.execute(policyStates, policyDecider, name, { type: 'delete', name });
    policies.changed();
    call.wrote(sequence);
    return {};
  }

  private async execute(name: string, command: PolicyCommand, call: CallContext): Promise<PolicyView> {
    const { log, policyStates, policies } = this.watcher;
    const { sequence } = await log.commands.execute(policyStates, policyDecider, name, command);
    policies.changed();
    call.wrote(sequence);
    await log.projector.waitFor(sequence, { timeoutMs: 2000, signal: call.signal });
    return this.show(name, call);
  }

  private show(name: string, call: CallContext): PolicyView {
    const view = this.view(name, this.counts());
    call.setEtag(view.etag);
    return view;
  }

  /** Watched images by the policy that decides about them. */
  private counts(): ReadonlyMap<string, number> {
    const { policies, watchList } = this.watcher;
    const counts = new Map<string, number>();
    for (const reference of watchList.list.references()) {
      const name = policyFor(policies.all(), reference)?.name;
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  private view(name: string, counts: ReadonlyMap<string, number>): PolicyView {
    const { definition, etag } = this.known(name);
    return { ...definition, etag, watchedImages: counts.get(name) ?? 0 };
  }

  private known(name: string): { definition: PolicyDefinition; etag: string } {
    const { state, sequence } = this.watcher.policyStates.get(name);
    if (state.definition) return { definition: state.definition, etag: String(sequence) };
    throw new PlinthError('NOT_FOUND', `There is no policy ${name}. Make it with POST /v1/policies.`);
  }
}
