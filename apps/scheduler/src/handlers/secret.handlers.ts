import { Injectable } from '@nestjs/common';
import { PlinthError, type Input, type Output } from '#libs/contracts';
import { pageByName } from '#libs/runtime';
import { isOwn, requireTeam, type CallContext } from '#libs/service';
import { SchedulerService } from '../scheduler.service.js';
import { SecretUsers } from '../secrets/secret-users.js';

/** Secrets: they live in a bucket of their own, never in the log. */
@Injectable()
export class SecretHandlers {
  private readonly users: SecretUsers;

  constructor(private readonly scheduler: SchedulerService) {
    const { log, registries } = scheduler;
    this.users = new SecretUsers({ db: () => log.projector.db, registries: () => registries.all() });
  }

  setSecret({ name, value, team, shared }: Input<'setSecret'>, call: CallContext): Promise<Output<'setSecret'>> {
    const { principal } = call;
    return this.secrets.set(name, value, {
      team: team ?? principal.team,
      shared,
      // Another team may take the name between the check of the request and now.
      requireOwn: (owner) => requireTeam(principal, owner, `The secret ${name} belongs to`),
    });
  }

  async listSecrets(input: Input<'listSecrets'>, { principal }: CallContext): Promise<Output<'listSecrets'>> {
    const secrets = await this.secrets.list();
    const seen = secrets.filter(({ team, shared }) => shared || isOwn(principal, team));
    const { items, nextPageToken } = pageByName(seen, input);
    return { secrets: items, nextPageToken };
  }

  async getSecret({ name }: Input<'getSecret'>): Promise<Output<'getSecret'>> {
    const info = await this.secrets.info(name);
    if (!info)
      throw new PlinthError('NOT_FOUND', `There is no secret "${name}". GET /v1/secrets lists those there are.`);
    return { ...info, usedBy: this.users.of(name) };
  }

  async deleteSecret({ name, force }: Input<'deleteSecret'>): Promise<Output<'deleteSecret'>> {
    const [user, ...others] = force ? [] : this.users.of(name);
    if (user) {
      const more = others.length > 0 ? ` and ${others.length} more` : '';
      throw new PlinthError(
        'FAILED_PRECONDITION',
        `The ${user.kind.toLowerCase()} ${user.name} names the secret ${name} in ${user.field}${more}: it could not work without. Change that first, or say force=true.`,
      );
    }
    await this.secrets.delete(name);
    return {};
  }

  resealSecrets(): Promise<Output<'resealSecrets'>> {
    return this.secrets.reseal();
  }

  private get secrets() {
    return this.scheduler.runtime.secrets;
  }
}
