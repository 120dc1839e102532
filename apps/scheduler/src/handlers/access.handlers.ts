import { Injectable } from '@nestjs/common';
import { PlinthError, type Input, type Output } from '#libs/contracts';
import { cursorOf, pageSizeOf, Runtime, tokenOf } from '#libs/runtime';

/** One page of a list that is sorted by name. */
const pageOf = <T extends { readonly name: string }>(
  all: readonly T[],
  input: { readonly pageSize?: number | undefined; readonly pageToken?: string | undefined },
): { items: T[]; nextPageToken: string } => {
  const size = pageSizeOf(input.pageSize);
  const after = cursorOf(input.pageToken) ?? '';
  const rest = all.filter(({ name }) => name > after);
  const items = rest.slice(0, size);
  return { items, nextPageToken: rest.length > size ? tokenOf(items.at(-1)!.name) : '' };
};

/** Tokens and secrets: they live in buckets of their own, never in the log. */
@Injectable()
export class AccessHandlers {
  constructor(private readonly runtime: Runtime) {}

  createToken(input: Input<'createToken'>): Promise<Output<'createToken'>> {
    return this.runtime.tokens.create(input);
  }

  async listTokens(input: Input<'listTokens'>): Promise<Output<'listTokens'>> {
    const { items, nextPageToken } = pageOf(await this.runtime.tokens.list(), input);
    return { tokens: items, nextPageToken };
  }

  async revokeToken({ name }: Input<'revokeToken'>): Promise<Output<'revokeToken'>> {
    const tokens = await this.runtime.tokens.list();
    const lastAdmin = tokens.filter(({ scope }) => scope === 'admin').every((one) => one.name === name);
    if (lastAdmin && tokens.some((one) => one.name === name)) {
      throw new PlinthError('FAILED_PRECONDITION', `${name} is the last admin token. Make another one first.`);
    }
    await this.runtime.tokens.revoke(name);
    return {};
  }

  setSecret({ name, value }: Input<'setSecret'>): Promise<Output<'setSecret'>> {
    return this.runtime.secrets.set(name, value);
  }

  async listSecrets(input: Input<'listSecrets'>): Promise<Output<'listSecrets'>> {
    const { items, nextPageToken } = pageOf(await this.runtime.secrets.list(), input);
    return { secrets: items, nextPageToken };
  }

  async deleteSecret({ name }: Input<'deleteSecret'>): Promise<Output<'deleteSecret'>> {
    await this.runtime.secrets.delete(name);
    return {};
  }
}
