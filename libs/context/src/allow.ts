import { z } from 'zod';
import { AddressPolicy } from '#libs/oci';

/**
 * The operator's word on where contexts may come from, as a variable of the environment: `any`, `public`, or networks as
 * CIDRs with commas, which are permitted besides public addresses. Undefined, with `any`, is what a task names, wherever
 * it is (`FetchOptions.addressPolicy`).
 */
export const contextAllow = z
  .string()
  .default('any')
  .transform((text, context): AddressPolicy | undefined => {
    if (text === 'any') return undefined;
    const networks = text === 'public' ? [] : text.split(',').map((one) => one.trim());
    try {
      return new AddressPolicy(networks);
    } catch {
      const message = 'expected any, public, or networks as CIDRs with commas such as 10.20.0.0/16,fd00::/8';
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
  })
  .describe('Where contexts may come from: any, public, or public and these networks, as CIDRs with commas.');
