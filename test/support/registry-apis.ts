import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { notificationFixtures, proofHeaders } from './notifications.js';

/** What a registry would send to, and the secret that it was given. */
export interface SetUp {
  url: string;
  secret: string;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  // oxlint-disable-next-line no-explicit-any -- whatever the client sends; each API checks what it needs
  readonly body: any;
}
type Answer = readonly [status: number, body?: unknown];

/** The API of one kind of registry, as its documentation has it: what may be set up there, and what it answers. */
export interface VendorApi {
  /** Its documentation. */
  readonly origin: string;
  readonly login: string;
  readonly authorization: RegExp;
  readonly places: readonly string[];
  readonly identity?: string;
  /** A host that only this kind has. */
  readonly host: string;
  /** Somebody else's, that must stay as it is. */
  readonly foreign: SetUp;
  answer(asked: Asked, sends: (to: SetUp) => Promise<void>): Answer | Promise<Answer>;
  readonly setUp: () => readonly SetUp[];
}

const notFound: Answer = [404, { message: 'not found' }];
const someoneElse = (): SetUp => ({ url: 'https://other.example.com/hook', secret: 'theirs' });
const basic = (login: string) => new RegExp(`^Basic ${Buffer.from(login).toString('base64')}$`);

/** Webhooks as GitHub has them: `/repos/O/N/hooks` and `/orgs/O/hooks`. */
const hooks = (
  prefix: string,
  kind: readonly [string, string],
  rest: Omit<VendorApi, 'foreign' | 'setUp' | 'answer'> & { readonly test: RegExp; readonly size: string },
): VendorApi => {
  const foreign = someoneElse();
  const all = new Map<number, SetUp & { readonly of: string }>([[1, { ...foreign, of: rest.places[0]! }]]);
  let last = 1;
  return {
    ...rest,
    foreign: all.get(1)!,
    setUp: () => [...all.values()],
    answer: async ({ method, path, query, body }, sends) => {
      const [, where, one, test] =
        new RegExp(`^${prefix}/(?:repos|orgs)/(.+?)/hooks(?:/(\\d+)(/.+)?)?$`).exec(path) ?? [];
      if (where === undefined || !rest.places.includes(where)) return notFound;
      const view = (id: number) => ({ id, active: true, config: { url: all.get(id)!.url, content_type: 'json' } });
      const config = (): SetUp | undefined =>
        body?.config?.content_type === 'json' && body.active === true && body.events?.length === 1
          ? { url: body.config.url, secret: body.config.secret }
          : undefined;
      if (one === undefined && method === 'GET') {
        const mine = [...all].filter(([, { of }]) => of === where).map(([id]) => view(id));
        const [page, size] = [Number(query.get('page')), Number(query.get(rest.size))];
        return [200, mine.slice((page - 1) * size, page * size)];
      }
      if (one === undefined && method === 'POST') {
        const made = config();
        if (!made || body[kind[0]] !== kind[1]) return [422, { message: 'Validation Failed' }];
        all.set(++last, { ...made, of: where });
        return [201, view(last)];
      }
      const id = Number(one);
      const there = all.get(id);
      if (!there) return notFound;
      if (test !== undefined) {
        if (method !== 'POST' || !rest.test.test(test)) return notFound;
        await sends(there);
        return [204];
      }
      if (method === 'DELETE') return (all.delete(id), [204]);
      const changed = config();
      if (method !== 'PATCH' || !changed) return [422, { message: 'Validation Failed' }];
      Object.assign(there, changed);
      return [200, view(id)];
    },
  };
};

const harbor = (): VendorApi => {
  const foreign = someoneElse();
  const all = new Map<number, SetUp>([[7, foreign]]);
  let last = 7;
  return {
    origin: 'github.com/goharbor/harbor api/v2.0/swagger.yaml',
    login: 'admin:harbor-admin-password',
    authorization: basic('admin:harbor-admin-password'),
    places: ['library'],
    host: 'harbor.connect.test',
    foreign,
    setUp: () => [...all.values()],
    answer: async ({ method, path, headers, body }, sends) => {
      const [, id] = /^\/api\/v2\.0\/projects\/library\/webhook\/policies(?:\/(\d+))?$/.exec(path) ?? [];
      if (!path.startsWith('/api/v2.0/projects/library/webhook/policies') || headers['x-is-resource-name'] !== 'true') {
        return [403, { errors: [{ code: 'FORBIDDEN', message: 'forbidden' }] }];
      }
      if (method === 'GET') {
        return [200, [...all].map(([one, { url }]) => ({ id: one, targets: [{ type: 'http', address: url }] }))];
      }
      if (method === 'DELETE') return all.delete(Number(id)) ? [200] : notFound;
      const [target] = body?.targets ?? [];
      const isRight = body?.event_types?.[0] === 'PUSH_ARTIFACT' && target?.type === 'http' && body.enabled === true;
      if (!isRight || !['POST', 'PUT'].includes(method)) return [400, { errors: [{ code: 'BAD_REQUEST' }] }];
      const made = { url: target.address as string, secret: (target.auth_header as string).replace('Bearer ', '') };
      all.set(method === 'PUT' ? Number(id) : ++last, made);
      await sends(made); // somebody pushes
      return [method === 'PUT' ? 200 : 201];
    },
  };
};

const acr = (): VendorApi => {
  const registry = '/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/connect';
  const foreign = someoneElse();
  const all = new Map<string, SetUp>([['theirs', foreign]]);
  return {
    origin: 'learn.microsoft.com/rest/api/container-registry/webhooks',
    login: 'arm-access-token',
    authorization: /^Bearer arm-access-token$/,
    places: [registry],
    host: 'connect.azurecr.io',
    foreign,
    setUp: () => [...all.values()],
    answer: async ({ method, path, query, body }, sends) => {
      if (query.get('api-version') !== '2023-07-01') return [400, { error: { code: 'MissingApiVersionParameter' } }];
      if (path === registry && method === 'GET') return [200, { location: 'westeurope' }];
      const [, name, action] = /\/webhooks\/([A-Za-z0-9]{5,50})(?:\/(getCallbackConfig|ping))?$/.exec(path) ?? [];
      if (name === undefined || !path.startsWith(`${registry}/webhooks/`)) return notFound;
      const there = all.get(name);
      if (method === 'PUT' && action === undefined) {
        const { location, properties } = body ?? {};
        if (location !== 'westeurope' || properties?.actions?.[0] !== 'push') return [400, { error: { code: 'Bad' } }];
        const made = {
          url: properties.serviceUri as string,
          secret: (properties.customHeaders.Authorization as string).replace('Bearer ', ''),
        };
        all.set(name, made);
        return [201, { name, properties: { status: 'enabled' } }];
      }
      if (!there) return [404, { error: { code: 'ResourceNotFound' } }];
      if (method === 'POST' && action === 'getCallbackConfig')
        return [200, { serviceUri: there.url, customHeaders: {} }];
      if (method === 'POST' && action === 'ping') return (await sends(there), [200, { id: 'event' }]);
      if (method === 'DELETE') return (all.delete(name), [200]);
      return [200, { name, properties: { status: 'enabled' } }];
    },
  };
};

const quay = (): VendorApi => {
  const foreign = someoneElse();
  const all = new Map<string, SetUp>([['theirs', foreign]]);
  let last = 0;
  return {
    origin: 'docs.quay.io/api/swagger',
    login: 'quay-oauth-token',
    authorization: /^Bearer quay-oauth-token$/,
    places: ['team/app'],
    host: 'quay.connect.test',
    foreign,
    setUp: () => [...all.values()],
    answer: async ({ method, path, body }, sends) => {
      const [, uuid, test] = /^\/api\/v1\/repository\/team\/app\/notification\/(?:([^/]+)(\/test)?)?$/.exec(path) ?? [];
      if (!path.startsWith('/api/v1/repository/team/app/notification/')) return notFound;
      if (uuid === undefined && method === 'GET') {
        return [200, { notifications: [...all].map(([one, { url }]) => ({ uuid: one, config: { url } })) }];
      }
      if (uuid === undefined) {
        const { event, method: by, config, eventConfig } = body ?? {};
        if (event !== 'repo_push' || by !== 'webhook' || !eventConfig) return [400, { detail: 'Invalid' }];
        all.set(`uuid-${++last}`, { url: config.url, secret: '' });
        return [201, { uuid: `uuid-${last}` }];
      }
      const there = all.get(uuid);
      if (!there) return notFound;
      if (test !== undefined) return (await sends(there), [200, {}]);
      return (all.delete(uuid), [204]);
    },
  };
};

const artifactory = (): VendorApi => {
  const foreign = someoneElse();
  const all = new Map<string, SetUp>([['theirs', foreign]]);
  const origin = 'jfrog.com/help/r/jfrog-rest-apis/create-a-new-webhook-subscription';
  return {
    origin,
    login: 'artifactory-access-token',
    authorization: /^Bearer artifactory-access-token$/,
    places: [],
    host: 'artifactory.connect.test',
    foreign,
    setUp: () => [...all.values()],
    answer: async ({ method, path, body }, sends) => {
      const [, key] = /^\/event\/api\/v1\/subscriptions(?:\/([^/]+))?$/.exec(path) ?? [];
      if (!path.startsWith('/event/api/v1/subscriptions')) return notFound;
      if (method === 'GET') return [200, [...all].map(([one, { url }]) => ({ key: one, handlers: [{ url }] }))];
      if (method === 'DELETE') return all.delete(key!) ? [204] : notFound;
      const [handler] = body?.handlers ?? [];
      const { domain, event_types: types, criteria } = body?.event_filter ?? {};
      const isRight = domain === 'docker' && types?.[0] === 'pushed' && criteria?.anyLocal === true;
      if (!isRight || handler?.handler_type !== 'webhook') return [400, { errors: [{ message: 'invalid' }] }];
      const made = { url: handler.url as string, secret: handler.secret as string };
      if (key === 'test') return (await sends(made), [200]);
      if (method === 'POST' && all.has(body.key)) return [409, { errors: [{ message: 'exists' }] }];
      all.set(method === 'PUT' ? key! : body.key, made);
      return [method === 'PUT' ? 204 : 201];
    },
  };
};

const nexus = (): VendorApi => {
  const foreign = someoneElse();
  const all = new Map<string, SetUp>([['theirs', foreign]]);
  return {
    origin: '/service/rest/swagger.json of an instance',
    login: 'admin:nexus-admin-password',
    authorization: basic('admin:nexus-admin-password'),
    places: ['docker-hosted'],
    host: 'nexus.connect.test:5000',
    foreign,
    setUp: () => [...all.values()],
    answer: async ({ method, path, body }, sends) => {
      const [, id] = /^\/service\/rest\/v1\/capabilities(?:\/(.+))?$/.exec(path) ?? [];
      if (!path.startsWith('/service/rest/v1/capabilities')) return notFound;
      const view = (one: string) => ({
        id: one,
        type: 'webhook.repository',
        properties: { repository: 'docker-hosted', names: 'component', url: all.get(one)!.url },
      });
      if (method === 'GET') return [200, [...all.keys()].map(view)];
      if (method === 'DELETE') return all.delete(id!) ? [204] : notFound;
      const { type, properties } = body ?? {};
      if (type !== 'webhook.repository' || properties?.names !== 'component') return [400, [{ message: 'invalid' }]];
      const made = { url: properties.url as string, secret: properties.secret as string };
      all.set(id ?? 'made', made);
      await sends(made); // somebody pushes
      return [200, view(id ?? 'made')];
    },
  };
};

const google = (): VendorApi => {
  const foreign = someoneElse();
  const all = new Map<string, SetUp>([['theirs', foreign]]);
  const identity = 'plinth-push@acme.iam.gserviceaccount.com';
  let hasTopic = false;
  return {
    origin: 'cloud.google.com/pubsub/docs/reference/rest',
    login: 'google-access-token',
    authorization: /^Bearer google-access-token$/,
    places: ['acme'],
    identity,
    host: 'europe-docker.pkg.dev',
    foreign,
    setUp: () => [...all.values()],
    answer: async ({ method, path, body }, sends) => {
      if (path === '/v1/projects/acme/topics/gcr') {
        if (method === 'PUT') hasTopic = true;
        return hasTopic ? [200, { name: 'projects/acme/topics/gcr' }] : [404, { error: { status: 'NOT_FOUND' } }];
      }
      const [, name, verb] =
        /^\/v1\/projects\/acme\/subscriptions\/([a-z][\w-]+)(:modifyPushConfig)?$/.exec(path) ?? [];
      if (name === undefined) return notFound;
      if (method === 'GET') {
        const there = all.get(name);
        return there ? [200, { pushConfig: { pushEndpoint: there.url } }] : [404, { error: { status: 'NOT_FOUND' } }];
      }
      if (method === 'DELETE') return all.delete(name) ? [200, {}] : notFound;
      const { pushConfig, topic } = body ?? {};
      const isNew = verb === undefined;
      const isRight = pushConfig?.oidcToken?.serviceAccountEmail === identity && pushConfig.oidcToken.audience;
      if (!isRight || (isNew && (topic !== 'projects/acme/topics/gcr' || !hasTopic || all.has(name)))) {
        return [400, { error: { status: 'INVALID_ARGUMENT' } }];
      }
      const made = { url: pushConfig.pushEndpoint as string, secret: pushConfig.oidcToken.audience as string };
      all.set(name, made);
      await sends(made); // somebody pushes
      return [200, {}];
    },
  };
};

const ecr = (): VendorApi => {
  const foreign = someoneElse();
  const none: Answer = [400, { __type: 'ResourceNotFoundException', message: 'does not exist.' }];
  const parts = new Map<string, { secret?: string; url?: string }>();
  const rules = new Map<string, boolean>();
  const role = 'arn:aws:iam::123456789012:role/plinth-events';
  return {
    origin: 'docs.aws.amazon.com/eventbridge/latest/APIReference',
    login: 'AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    authorization:
      /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/us-west-2\/events\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=[0-9a-f]{64}$/,
    places: [],
    identity: role,
    host: '123456789012.dkr.ecr.us-west-2.amazonaws.com',
    foreign,
    setUp: () => [
      foreign,
      ...[...rules].flatMap(([name, isAimed]) => {
        const { url } = parts.get(`ApiDestination ${name}`) ?? {};
        const { secret } = parts.get(`Connection ${name}`) ?? {};
        return isAimed && url !== undefined && secret !== undefined ? [{ url, secret }] : [];
      }),
    ],
    answer: async ({ method, headers, body }, sends) => {
      const [, verb, part = ''] =
        /^AWSEvents\.(Describe|Create|Update|Delete|Put|Remove)(Connection|ApiDestination|Rule|Targets)$/.exec(
          String(headers['x-amz-target']),
        ) ?? [];
      if (method !== 'POST' || headers['content-type'] !== 'application/x-amz-json-1.1')
        return [400, { __type: 'Bad' }];
      const name = (body.Name ?? body.Rule) as string;
      const key = `${part} ${name}`;
      const arn = { [`${part}Arn`]: `arn:aws:events:us-west-2:123456789012:${part}/${name}/id` };
      if (part === 'Rule' && verb === 'Put') {
        if (!/"aws.ecr"/.test(body.EventPattern)) return [400, { __type: 'InvalidEventPatternException' }];
        rules.set(name, rules.get(name) ?? false);
        return [200, arn];
      }
      if (part === 'Targets' && verb === 'Put') {
        const [target] = body.Targets;
        if (!rules.has(name) || target.RoleArn !== role || !/ApiDestination/.test(target.Arn)) {
          return [200, { FailedEntryCount: 1, FailedEntries: [{ ErrorMessage: 'no such thing' }] }];
        }
        rules.set(name, true);
        // Somebody pushes.
        await sends({
          url: parts.get(`ApiDestination ${name}`)!.url!,
          secret: parts.get(`Connection ${name}`)!.secret!,
        });
        return [200, { FailedEntryCount: 0, FailedEntries: [] }];
      }
      if (part === 'Targets') return rules.has(name) ? (rules.set(name, false), [200, {}]) : none;
      if (part === 'Rule')
        return rules.get(name) ? [400, { __type: 'ValidationException' }] : (rules.delete(name), [200]);
      const there = parts.get(key);
      if (verb === 'Create' && there) return [400, { __type: 'ResourceAlreadyExistsException' }];
      if (verb !== 'Create' && !there) return none;
      if (verb === 'Delete') return (parts.delete(key), [200, arn]);
      if (verb !== 'Describe') {
        const secret = body.AuthParameters?.ApiKeyAuthParameters?.ApiKeyValue as string | undefined;
        parts.set(key, part === 'Connection' ? { secret: secret! } : { url: body.InvocationEndpoint });
        return [200, arn];
      }
      return [200, { ...arn, Name: name, ...(there?.url && { InvocationEndpoint: there.url }) }];
    },
  };
};

/** Each vendor's API, with nothing of ours set up. */
export const vendorApis = (): Readonly<Record<string, VendorApi>> => ({
  acr: acr(),
  artifactory: artifactory(),
  ecr: ecr(),
  forgejo: hooks('/api/v1', ['type', 'forgejo'], {
    origin: 'codeberg.org/api/swagger',
    login: 'forgejo-token',
    authorization: /^token forgejo-token$/,
    places: ['team/app'],
    host: 'forgejo.connect.test',
    test: /^\/tests$/,
    size: 'limit',
  }),
  gitea: hooks('/api/v1', ['type', 'gitea'], {
    origin: 'github.com/go-gitea/gitea routers/api/v1/api.go',
    login: 'gitea-token',
    authorization: /^token gitea-token$/,
    places: ['team/app'],
    host: 'gitea.connect.test',
    test: /^\/tests$/,
    size: 'limit',
  }),
  github: hooks('', ['name', 'web'], {
    origin: 'docs.github.com/rest/orgs/webhooks',
    login: 'github-token',
    authorization: /^Bearer github-token$/,
    places: ['acme', 'acme/app'],
    host: 'github.connect.test',
    test: /^\/pings$/,
    size: 'per_page',
  }),
  google: google(),
  harbor: harbor(),
  nexus: nexus(),
  quay: quay(),
});

/** The body that the vendor's test sends, or a push where it has none. */
const bodyOf = (dialect: string) => {
  const named: Record<string, string> = {
    acr: 'ping',
    github: 'ping',
    gitea: 'push-of-a-branch',
    forgejo: 'push-of-a-branch',
  };
  const fixtures = notificationFixtures().filter((one) => one.dialect === dialect);
  return fixtures.find(({ name, hints }) => (named[dialect] ? name === named[dialect] : hints.length > 0))!;
};

export interface ApiServer extends AsyncDisposable {
  /** Where an API is. */
  url(dialect: string): string;
  /** Method and path of every request, as `dialect METHOD path`. */
  readonly log: string[];
  /** Statuses that Plinth gave to what was sent. */
  readonly delivered: number[];
}

/** Serves vendors' APIs, and sends notifications as they would. `tokenFor` signs for senders that sign tokens. */
export const serveApis = async (
  apis: Readonly<Record<string, VendorApi>>,
  tokenFor: (audience: string) => Promise<string>,
): Promise<ApiServer> => {
  const log: string[] = [];
  const delivered: number[] = [];
  const send = async (dialect: string, { url, secret }: SetUp): Promise<void> => {
    const fixture = bodyOf(dialect);
    const body = JSON.stringify(fixture.body);
    const proof =
      dialect === 'google'
        ? { authorization: `Bearer ${await tokenFor(secret)}` }
        : proofHeaders[dialect]?.(secret, body);
    const headers = { 'content-type': 'application/json', ...fixture.headers, ...proof };
    const { status } = await fetch(url, { method: 'POST', headers, body });
    delivered.push(status);
  };
  const answerTo = async (request: IncomingMessage, text: string): Promise<Answer> => {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://api.test');
    const [, dialect = '', path = ''] = /^\/([a-z]+)(\/.*)$/.exec(pathname) ?? [];
    const { method = '', headers } = request;
    log.push(`${dialect} ${method} ${path}`);
    const api = apis[dialect];
    if (!api) return notFound;
    if (!api.authorization.test(headers.authorization ?? '')) {
      return [401, { message: `bad credentials ${headers.authorization}` }];
    }
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    return api.answer({ method, path, query, headers, body }, (to) => send(dialect, to));
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void answerTo(request, Buffer.concat(chunks).toString())
        .catch((error: Error): Answer => [500, { message: error.message }])
        .then(([status, body]) => {
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(body === undefined ? '' : JSON.stringify(body));
        });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (dialect) => `http://127.0.0.1:${port}/${dialect}`,
    log,
    delivered,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
