import { Injectable } from '@nestjs/common';
import type { Input, Output } from '#libs/contracts';
import { Runtime } from '#libs/runtime';

@Injectable()
export class AccessHandlers {
  constructor(private readonly runtime: Runtime) {}

  async createToken(input: Input<'createToken'>): Promise<Output<'createToken'>> {
    return this.runtime.tokens.create(input);
  }
}
