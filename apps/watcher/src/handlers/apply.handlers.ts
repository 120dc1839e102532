import { Injectable } from '@nestjs/common';
import type { Input, Output, PolicyDefinition, RegistryDefinition } from '#libs/contracts';
import { checkEach, markedDefinition, markOf, onlyOnce, refuseTies } from '#libs/domain';
import type { AggregateStore } from '#libs/event-log';
import { applyEach } from '#libs/runtime';
import type { CallContext } from '#libs/service';
import { checkNotifications } from '../hooks/settings.js';
import { checkMirror } from '../registries/check-mirror.js';
import { missingSecrets } from '../registries/require-secrets.js';
import { policyDecider, type PolicyCommand } from '../policy/policy.decider.js';
import { registryDecider, type RegistryCommand } from '../registries/registry.decider.js';
import { WatcherService } from '../watcher.service.js';

/** Declarative use: registries and policies as a file says that they should be. */
@Injectable()
export class ApplyHandlers {
  constructor(private readonly watcher: WatcherService) {}

  async applyRegistries(input: Input<'applyRegistries'>, call: CallContext): Promise<Output<'applyRegistries'>> {
    const { registryStates } = this.watcher;
    const set = { mark: markOf(input.team ?? call.principal.team, input.set), takeOver: input.takeOver };
    const seen = new Map<string, number>();
    const resources = checkEach('registries', input.registries, (registry, index) => {
      const { host } = registry;
      checkNotifications(registry.notifications);
      checkMirror(host, registry);
      onlyOnce(seen, 'host', host, index, 'registries');
      const change = (known: RegistryDefinition | null) =>
        markedDefinition<RegistryDefinition>(registry, known, set, `The registry ${host}`);
      const known = registryStates.get(host).state.definition;
      return { name: host, known, wanted: change(known), write: () => this.execute(host, { type: 'apply', change }) };
    });
    const pruned = input.prune ? leftBehind(registryStates, set.mark, seen) : [];
    return applyEach({
      log: this.watcher.log,
      resources,
      pruned: pruned.map((host) => ({
        name: host,
        write: () => this.execute(host, { type: 'prune', host, mark: set.mark }),
      })),
      dryRun: input.dryRun,
      missingSecrets: await missingSecrets(this.watcher.runtime.secrets, input.registries),
      call,
    });
  }

  async applyPolicies(input: Input<'applyPolicies'>, call: CallContext): Promise<Output<'applyPolicies'>> {
    const { policyStates, policies } = this.watcher;
    const set = { mark: markOf(input.team ?? call.principal.team, input.set), takeOver: input.takeOver };
    const seen = new Map<string, number>();
    const named = new Set(input.policies.map(({ name }) => name));
    const pruned = input.prune ? leftBehind(policyStates, set.mark, named) : [];
    const replaced = new Set([...named, ...pruned]);
    // What will be there: ties are looked for in that, not in what is being replaced.
    const others = [...policies.all().filter(({ name }) => !replaced.has(name)), ...input.policies];
    const resources = checkEach('policies', input.policies, (policy, index) => {
      const { name } = policy;
      onlyOnce(seen, 'name', name, index, 'policies');
      refuseTies(policy, others);
      const change = (known: PolicyDefinition | null) =>
        markedDefinition<PolicyDefinition>(policy, known, set, `The policy ${name}`);
      const known = policyStates.get(name).state.definition;
      return { name, known, wanted: change(known), write: () => this.executePolicy(name, { type: 'apply', change }) };
    });
    const prune = (name: string) => this.executePolicy(name, { type: 'prune', name, mark: set.mark });
    const answer = await applyEach({
      log: this.watcher.log,
      resources,
      pruned: pruned.map((name) => ({ name, write: () => prune(name) })),
      dryRun: input.dryRun,
      call,
    });
    policies.changed();
    return answer;
  }

  private executePolicy(name: string, command: PolicyCommand) {
    const { log, policyStates } = this.watcher;
    return log.commands.execute(policyStates, policyDecider, name, command);
  }

  private execute(host: string, command: RegistryCommand) {
    const { log, registryStates } = this.watcher;
    return log.commands.execute(registryStates, registryDecider, host, command);
  }
}

/** What the set made, and does not name any more. */
const leftBehind = <S extends { readonly definition: { readonly appliedBy?: string | undefined } | null }>(
  states: Pick<AggregateStore<S>, 'all'>,
  mark: string,
  named: { has(id: string): boolean },
): string[] =>
  [...states.all({ live: true })]
    .filter(([id, { state }]) => state.definition?.appliedBy === mark && !named.has(id))
    .map(([id]) => id)
    .sort();
