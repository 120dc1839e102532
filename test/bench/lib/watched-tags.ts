import { registryDefinitionSchema, taskDefinitionSchema, type RegistryResource, type Snapshot } from '#libs/contracts';
import { definitionHash } from '#libs/domain';
import type { HistoryEvent } from '../history/history.js';

export interface WatchedTags {
  readonly registry: Partial<RegistryResource> & Pick<RegistryResource, 'host'>;
  readonly tags: number;
  /** Repository and tag of the n-th. */
  readonly nameOf: (tag: number) => string;
  /** What all of them are adopted at; without it each is looked at first. */
  readonly adopted?: Snapshot;
}

/** The log of a registry and of a task on each of so many tags in it. */
export function* watchedTags({ registry, tags, nameOf, adopted }: WatchedTags): Generator<HistoryEvent> {
  const { host } = registry;
  const definition = registryDefinitionSchema.parse({ scheme: 'http', ...registry });
  yield {
    aggregate: { kind: 'registry', id: host },
    event: { id: 'registry', type: 'registry.registered', data: { definition } },
  };
  for (let tag = 0; tag < tags; tag++) {
    const reference = `${host}/${nameOf(tag)}`;
    yield* taskOn(reference, tag, host);
    if (!adopted) continue;
    const aggregate = { kind: 'tag', id: reference } as const;
    yield { aggregate, event: { id: `${tag}-w`, type: 'tag.watched', data: { reference } } };
    const look = { reference, seenBy: 'Watch', hintedAt: null } as const;
    yield { aggregate, event: { id: `${tag}-m`, type: 'tag.moved', data: { ...look, from: null, to: adopted } } };
    yield {
      aggregate,
      event: {
        id: `${tag}-a`,
        type: 'tag.adopted',
        data: { ...look, from: null, to: adopted, policy: 'acr', run: null },
      },
    };
  }
}

function* taskOn(reference: string, number: number, host: string): Generator<HistoryEvent> {
  const name = `app-${number}`;
  const aggregate = { kind: 'task', id: name } as const;
  const definition = taskDefinitionSchema.parse({
    name,
    team: 'default',
    platforms: ['linux/amd64'],
    step: { type: 'Docker', contextPath: 'https://git.invalid/app.git', imageNames: [`${host}/app:${number}`] },
  });
  const hash = definitionHash(definition);
  yield {
    aggregate,
    event: { id: `${name}-c`, type: 'task.created', data: { definition, definitionHash: hash, by: 'bench' } },
  };
  const input = { reference, role: 'base', via: 'direct', stage: null, line: 1 } as const;
  const inputs = [{ ...input, platforms: ['linux/amd64'], pinned: false }];
  const scan = { task: name, definitionHash: hash, sourceRevision: null, status: 'Known', reason: null } as const;
  yield { aggregate, event: { id: `${name}-s`, type: 'task.scanned', data: { ...scan, inputs } } };
}
