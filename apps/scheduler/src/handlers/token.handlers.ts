import { Injectable } from '@nestjs/common';
import { PlinthError, type Input, type Output } from '#libs/contracts';
import { pageByName, Runtime } from '#libs/runtime';

/** Tokens: they live in a bucket of their own, never in the log. */
@Injectable()
export class TokenHandlers {
  constructor(private readonly runtime: Runtime) {}

  async createToken(input: Input<'createToken'>): Promise<Output<'createToken'>> {
    const { expiresAt } = input;
    if (expiresAt !== undefined && Date.parse(expiresAt) <= this.runtime.clock.now().getTime()) {
      throw new PlinthError('INVALID_ARGUMENT', `The token would have expired already: ${expiresAt} is over.`, [
        { field: 'expiresAt', message: 'expected a time to come, RFC 3339' },
      ]);
    }
    return this.runtime.tokens.create(input);
  }

  async listTokens(input: Input<'listTokens'>): Promise<Output<'listTokens'>> {
    const { items, nextPageToken } = pageByName(await this.runtime.tokens.list(), input);
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
}
