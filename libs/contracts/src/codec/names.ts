import { z } from 'zod';
import * as cause from '../model/cause.js';
import * as ids from '../model/ids.js';
import * as image from '../model/image.js';
import * as policy from '../model/policy.js';
import * as registry from '../model/registry.js';
import * as task from '../model/task.js';
import * as webhook from '../model/webhook.js';
import * as access from '../operations/access.js';
import * as apply from '../operations/apply.js';
import * as contexts from '../operations/contexts.js';
import * as deadLetters from '../operations/dead-letters.js';
import * as events from '../operations/events.js';
import * as graph from '../operations/graph.js';
import * as images from '../operations/images.js';
import * as policies from '../operations/policies.js';
import * as registries from '../operations/registries.js';
import * as runs from '../operations/runs.js';
import * as tasks from '../operations/tasks.js';
import * as webhooks from '../operations/webhooks.js';

const modules: readonly Readonly<Record<string, unknown>>[] = [
  cause,
  ids,
  image,
  policy,
  registry,
  task,
  webhook,
  access,
  apply,
  contexts,
  deadLetters,
  events,
  graph,
  images,
  policies,
  registries,
  runs,
  tasks,
  webhooks,
];

/** `dockerStepSchema` → `DockerStep`. */
const nameOf = (exported: string): string =>
  exported.charAt(0).toUpperCase() + exported.slice(1).replace(/Schema$/, '');

/**
 * Names of schemas in the generated APIs: an exported `taskViewSchema` is `TaskView` wherever it is used. What has
 * no name takes that of the place where it stands.
 */
export const schemaNames: ReadonlyMap<z.core.$ZodType, string> = new Map(
  modules.flatMap((exports) =>
    Object.entries(exports).flatMap(([name, value]): [z.core.$ZodType, string][] =>
      name.endsWith('Schema') && value instanceof z.ZodType ? [[value, nameOf(name)]] : [],
    ),
  ),
);
