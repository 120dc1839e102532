import { aggregateKinds, type AggregateKind, type EventDefinition } from '../event.js';
import { wireType, type EventType } from '../events/index.js';
import { streams } from '../subjects.js';
import { JsonSchemas, type JsonSchema } from './schema-json.js';

type Catalogue = Readonly<Record<string, EventDefinition>>;

const ids: Readonly<Record<AggregateKind, string>> = {
  registry: 'Host of a registry',
  policy: 'Name of an adoption policy',
  tag: 'Reference of an image',
  task: 'Name of a task',
  rebuild: 'Name of a task',
  wave: 'Id of a wave',
  run: 'Id of a run',
  webhook: 'Name of a webhook',
  output: 'Reference of an image that tasks push',
};

/** Attributes of CloudEvents 1.0 as headers (NATS binding, binary mode); `ce-type` is added by each message. */
const cloudEventHeaders: JsonSchema = {
  type: 'object',
  description: 'Attributes of CloudEvents 1.0, binary mode. Values are printable ASCII; all else is percent-encoded.',
  required: ['ce-specversion', 'ce-id', 'ce-source', 'ce-type', 'ce-subject', 'ce-time', 'ce-datacontenttype'],
  properties: {
    'ce-specversion': { type: 'string', const: '1.0' },
    'ce-id': { type: 'string', description: 'Unique: who has seen it has seen the event.' },
    'ce-source': { type: 'string', description: '`/plinth/<process>`.' },
    'ce-type': { type: 'string' },
    'ce-subject': { type: 'string', description: 'Id of the aggregate.' },
    'ce-time': { type: 'string', format: 'date-time' },
    'ce-datacontenttype': { type: 'string', const: 'application/json' },
    'ce-causationid': { type: 'string', description: 'Id of the event or request that led to this one.' },
    'ce-correlationid': { type: 'string', description: 'Id of the whole matter.' },
    'ce-traceparent': { type: 'string', description: 'W3C Trace Context.' },
    'Nats-Msg-Id': { type: 'string' },
  },
};

const ref = (path: string): JsonSchema => ({ $ref: `#/${path}` });

const messageOf = (type: string, { data, summary, aggregate }: EventDefinition, schemas: JsonSchemas): JsonSchema => ({
  name: wireType(type as EventType),
  title: type,
  summary,
  contentType: 'application/json',
  tags: [{ name: aggregate }],
  headers: {
    allOf: [
      ref('components/schemas/CloudEventHeaders'),
      { type: 'object', properties: { 'ce-type': { type: 'string', const: wireType(type as EventType) } } },
    ],
  },
  payload: schemas.of(data, 'output'),
});

const channelOf = (kind: AggregateKind, types: readonly string[]): JsonSchema => ({
  address: `plinth.events.${kind}.{id}`,
  title: `Events of a ${kind}`,
  description: `On the stream ${streams.events}. All events there are in one order; the stream sequence is the position.`,
  servers: [ref('servers/nats')],
  parameters: {
    id: {
      description: `${ids[kind]}: as it is where it has only letters, digits, \`-\` and \`_\`; else \`~\` and its base64url.`,
    },
  },
  messages: Object.fromEntries(types.map((type) => [type, ref(`components/messages/${type}`)])),
});

const webhookMessage: JsonSchema = {
  name: 'webhook',
  title: 'Delivery to a webhook',
  summary: 'What happened to a run, a wave or an image, signed by Standard Webhooks.',
  contentType: 'application/json',
  headers: {
    type: 'object',
    required: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    properties: {
      'webhook-id': { type: 'string', description: 'The same at every try of a delivery, and when it is replayed.' },
      'webhook-timestamp': { type: 'string', description: 'Seconds since the epoch, of the try.' },
      'webhook-signature': {
        type: 'string',
        description: '`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several with spaces.',
      },
    },
  },
  payload: {
    type: 'object',
    required: ['type', 'timestamp', 'data'],
    properties: {
      type: { type: 'string', description: '`run.succeeded`, `wave.closed`, `tag.adopted` …; `webhook.test`.' },
      timestamp: { type: 'string', format: 'date-time' },
      data: {
        type: 'object',
        description: 'The event in brief, below 20 kB: `position` and `id` say which one it was.',
        properties: {
          position: { type: 'integer', minimum: 1 },
          id: { type: 'string' },
          subject: { type: 'string' },
        },
      },
    },
  },
};

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The AsyncAPI 3.0 document of the events in this catalogue, and of what webhooks are told. */
export const asyncApiDocument = (catalogue: Catalogue, version: string): JsonSchema => {
  const schemas = new JsonSchemas('draft-07');
  const messages = Object.fromEntries(
    Object.entries(catalogue).map(([type, definition]) => [type, messageOf(type, definition, schemas)]),
  );
  const typesOf = (kind: AggregateKind): string[] =>
    Object.keys(catalogue).filter((type) => catalogue[type]?.aggregate === kind);
  const kinds = aggregateKinds.filter((kind) => typesOf(kind).length > 0);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Plinth',
      version,
      description: 'What happens to images, tasks, runs and waves, as facts in one order.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      nats: {
        host: '127.0.0.1:4222',
        protocol: 'nats',
        description: 'The NATS server with JetStream that Plinth runs on. The address is that of your installation.',
      },
    },
    channels: {
      ...Object.fromEntries(kinds.map((kind) => [kind, channelOf(kind, typesOf(kind))])),
      webhookEndpoint: {
        address: null,
        title: 'The endpoint of a webhook',
        description: 'An address of yours, as it was given to `POST /v1/webhooks`.',
        messages: { delivery: ref('components/messages/webhook') },
      },
    },
    operations: {
      ...Object.fromEntries(
        kinds.map((kind) => [
          `publish${capitalised(kind)}`,
          {
            action: 'send',
            channel: ref(`channels/${kind}`),
            summary: `Plinth says what happened to a ${kind}.`,
            bindings: { nats: {} },
            messages: typesOf(kind).map((type) => ref(`channels/${kind}/messages/${type}`)),
          },
        ]),
      ),
      postToWebhook: {
        action: 'send',
        channel: ref('channels/webhookEndpoint'),
        summary: 'Plinth posts to a webhook.',
        bindings: { http: { method: 'POST' } },
        messages: [ref('channels/webhookEndpoint/messages/delivery')],
      },
    },
    components: {
      messages: { ...messages, webhook: webhookMessage },
      schemas: Object.fromEntries(
        Object.entries({ ...schemas.components, CloudEventHeaders: cloudEventHeaders }).sort(([a], [b]) =>
          a < b ? -1 : 1,
        ),
      ),
    },
  };
};
