import { z } from 'zod';
import { contextAllow } from '#libs/context';
import { AddressPolicy } from '#libs/oci';

const networks = z
  .string()
  .default('')
  .transform((text) => text.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()])))
  .superRefine((list, context) => {
    try {
      new AddressPolicy(list);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });

/** What the scheduler reads from the environment beside what every service reads. */
export const schedulerConfigSchema = z.object({
  PLINTH_CONTEXT_ALLOW: contextAllow,
  PLINTH_WEBHOOK_ALLOW: networks.describe(
    'Networks that webhooks may go to besides public addresses, as CIDRs with commas: 10.20.0.0/16,fd00::/8.',
  ),
});
export type SchedulerEnvironment = z.output<typeof schedulerConfigSchema>;
