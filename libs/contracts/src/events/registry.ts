import { z } from 'zod';
import { defineEvent } from '../event.js';
import { registryHostSchema } from '../model/ids.js';
import { registryDefinitionSchema } from '../model/registry.js';

const definition = z.object({ definition: registryDefinitionSchema });

export const registryEvents = {
  'registry.registered': defineEvent({
    aggregate: 'registry',
    name: 'registered',
    version: 1,
    summary: 'A registry was made known, with how to reach it and how it tells of pushes.',
    data: definition,
  }),
  'registry.updated': defineEvent({
    aggregate: 'registry',
    name: 'updated',
    version: 1,
    summary: 'The settings of a registry were changed; the event carries all of them.',
    data: definition,
  }),
  'registry.removed': defineEvent({
    aggregate: 'registry',
    name: 'removed',
    version: 1,
    summary: 'A registry was removed. Its images stay watched, without credentials or notifications.',
    data: z.object({ host: registryHostSchema }),
  }),
};
