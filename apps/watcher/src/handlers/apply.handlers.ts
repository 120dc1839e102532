import { Injectable } from '@nestjs/common';
import type { Input, Output, RegistryDefinition } from '#libs/contracts';
import { checkEach, markedDefinition, markOf, onlyOnce } from '#libs/domain';
import { applyEach } from '#libs/runtime';
import type { CallContext } from '#libs/service';
import { checkNotifications } from '../hooks/settings.js';
import { checkMirror } from '../registries/check-mirror.js';
import { missingSecrets } from '../registries/require-secrets.js';
import { registryDecider, type RegistryCommand } from '../registries/registry.decider.js';
import { WatcherService } from '../watcher.service.js';

/** Declarative use: registries as a file says that they should be. */
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
    const pruned = input.prune ? this.leftBehind(set.mark, seen) : [];
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

  /** Registries that the set made, and does not name any more. */
  private leftBehind(mark: string, named: ReadonlyMap<string, number>): string[] {
    return [...this.watcher.registryStates.all({ live: true })]
      .filter(([host, { state }]) => state.definition?.appliedBy === mark && !named.has(host))
      .map(([host]) => host)
      .sort();
  }

  private execute(host: string, command: RegistryCommand) {
    const { log, registryStates } = this.watcher;
    return log.commands.execute(registryStates, registryDecider, host, command);
  }
}
