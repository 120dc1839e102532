import type { Client } from '#libs/client';
import type { Feed } from './feed.js';
import { succeeded } from './runs.js';

export interface Backstage {
  readonly client: Client;
  readonly feed: Feed;
}

/**
 * One thing that the demo breaks on purpose, to show that its check would see it. A new sabotage is an entry of
 * `sabotages`.
 */
export interface Sabotage {
  /** What is broken, as a sentence. */
  readonly says: string;
  /** The secret that the company's registry sends, in place of the right one. */
  readonly webhookSecret?: string;
  /** Before the company's base moves. */
  readonly beforeMove?: (backstage: Backstage) => Promise<void>;
  /** As soon as the new base is in the registry. */
  readonly afterPush?: (backstage: Backstage) => Promise<void>;
  /** When everything that the move made stale is rebuilt. */
  readonly afterWave?: (backstage: Backstage) => Promise<void>;
}

export const sabotages = {
  edge: {
    says: 'The trigger of shop is switched off behind the scenes: the declared graph still expects it to be rebuilt.',
    beforeMove: async ({ client }) => {
      await client.updateTask({ name: 'shop', trigger: { baseImageTrigger: { status: 'Disabled' } } });
    },
  },
  order: {
    says: 'Somebody runs report by hand at the wrong moment: the base has moved, and framework is not rebuilt yet.',
    afterPush: async ({ client }) => {
      await client.runTask({ name: 'report' });
    },
  },
  webhook: {
    says: "The company's registry sends a wrong secret with its notifications.",
    webhookSecret: 'Bearer wrong',
  },
  duplicate: {
    says: 'Somebody runs shop by hand once more after everything is done: one build too many.',
    afterWave: async ({ client, feed }) => {
      const { runId } = await client.runTask({ name: 'shop' });
      await succeeded(feed, runId, 'shop');
    },
  },
} as const satisfies Record<string, Sabotage>;

export type SabotageName = keyof typeof sabotages;
export const sabotageNames = Object.keys(sabotages) as SabotageName[];
