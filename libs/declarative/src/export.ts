import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import type { Client } from '#libs/client';
import {
  apiVersion,
  resourceDocuments,
  type PolicyDocument,
  type PolicyView,
  type RegistryDocument,
  type RegistryView,
  type ResourceDocument,
  type ResourceType,
  type TaskDocument,
  type TaskView,
} from '#libs/contracts';

type Fields = Record<string, unknown>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without the fields that say no more than their absence. */
const withoutDefaults = <D extends ResourceDocument>(document: D): D => {
  const schema = resourceDocuments[document.type];
  const whole = schema.parse(document);
  const short = structuredClone(document) as unknown as Fields;
  const shorten = (fields: Fields): void => {
    for (const [name, value] of Object.entries(fields)) {
      delete fields[name];
      const same = schema.safeParse(short);
      if (same.success && isDeepStrictEqual(same.data, whole)) continue;
      fields[name] = value;
      if (isRecord(value)) shorten(value);
    }
  };
  shorten(short);
  return short as unknown as D;
};

/** Keys in the order in which people read them: that of the schema. */
const inOrder = <D extends ResourceDocument>(document: D): D => {
  const order = Object.keys(resourceDocuments[document.type].shape);
  const first = ['apiVersion', 'type', 'name', 'host', 'team'];
  const rank = (key: string) => (first.includes(key) ? first.indexOf(key) : first.length + order.indexOf(key));
  return Object.fromEntries(Object.entries(document).sort(([a], [b]) => rank(a) - rank(b))) as D;
};

/** What a task view says, without what only the server says; absent what is the default anyway. */
export const taskDocument = (view: TaskView): TaskDocument => {
  const { name, team, status, platforms, agentConfiguration, agentPoolName, timeout, step, trigger, tags } = view;
  const plain = platforms.length === 1 && platforms[0] === 'linux/amd64';
  const fields = { name, team, status, agentConfiguration, agentPoolName, timeout, step, trigger, tags };
  return inOrder(
    withoutDefaults<TaskDocument>({ apiVersion, type: 'Task', ...fields, ...(plain ? {} : { platforms }) }),
  );
};

export const registryDocument = (view: RegistryView): RegistryDocument => {
  const {
    etag: _etag,
    hookPath: _hook,
    lastNotificationAt: _notified,
    lastError: _error,
    watchedTags: _watched,
    polling: _polling,
    appliedBy: _set,
    ...fields
  } = view;
  return inOrder(withoutDefaults<RegistryDocument>({ apiVersion, type: 'Registry', ...fields }));
};

export const policyDocument = ({ etag: _etag, watchedImages: _watched, appliedBy: _set, ...fields }: PolicyView) =>
  inOrder(withoutDefaults<PolicyDocument>({ apiVersion, type: 'Policy', ...fields }));

export interface ExportOptions {
  /** Only what belongs to this team; registries and policies belong to none. */
  readonly team?: string | undefined;
  /** Only these types. */
  readonly types?: readonly ResourceType[] | undefined;
}

/** Everything that was set on this Plinth, page by page: registries, policies, tasks. */
export async function* exportResources(
  client: Pick<Client, 'listTasks' | 'listRegistries' | 'listPolicies'>,
  { team, types }: ExportOptions = {},
): AsyncGenerator<ResourceDocument> {
  const wanted = (type: ResourceType) => types === undefined || types.length === 0 || types.includes(type);
  const shared = (type: ResourceType) => wanted(type) && (team === undefined || types?.includes(type));
  const from = (pageToken: string) => ({ pageSize: 1000, ...(pageToken === '' ? {} : { pageToken }) });
  if (shared('Registry')) {
    for (let token = '', more = true; more;) {
      const { registries, nextPageToken } = await client.listRegistries(from(token));
      for (const view of registries) yield registryDocument(view);
      token = nextPageToken;
      more = token !== '';
    }
  }
  if (shared('Policy')) {
    for (let token = '', more = true; more;) {
      const { policies, nextPageToken } = await client.listPolicies(from(token));
      for (const view of policies) yield policyDocument(view);
      token = nextPageToken;
      more = token !== '';
    }
  }
  if (wanted('Task')) {
    for (let token = '', more = true; more;) {
      const { tasks, nextPageToken } = await client.listTasks({
        ...from(token),
        ...(team === undefined ? {} : { team }),
      });
      for (const view of tasks) yield taskDocument(view);
      token = nextPageToken;
      more = token !== '';
    }
  }
}

/** One document as it stands in a YAML file, with the line that separates it from the one before. */
export const yamlOf = (document: ResourceDocument): string =>
  `---\n${stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })}`;
