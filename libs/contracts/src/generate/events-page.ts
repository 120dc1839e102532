import { z } from 'zod';
import { aggregateKinds, type EventDefinition } from '../event.js';
import { buckets, eventSubject, streams } from '../subjects.js';

interface JsonProperty {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonProperty[];
  readonly oneOf?: readonly JsonProperty[];
  readonly items?: JsonProperty;
}

const typeOf = (property: JsonProperty): string => {
  if (property.enum) return property.enum.map((one) => `\`${String(one)}\``).join(', ');
  const options = property.anyOf ?? property.oneOf;
  if (options) return [...new Set(options.map(typeOf))].join(' or ');
  if (property.items) return `list of ${typeOf(property.items)}`;
  return [property.type ?? 'any'].flat().join(' or ');
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const fields = (definition: EventDefinition): string[] => {
  const schema = z.toJSONSchema(definition.data, { io: 'output', unrepresentable: 'any' }) as {
    properties?: Record<string, JsonProperty>;
  };
  return Object.entries(schema.properties ?? {}).map(
    ([name, property]) => `| \`${name}\` | ${cell(typeOf(property))} | ${cell(property.description ?? '')} |`,
  );
};

/** The page of every event, from the catalogue. */
export const eventsPage = (catalogue: Readonly<Record<string, EventDefinition>>): string => {
  const ofKind = (kind: string) =>
    Object.entries(catalogue).filter(([, { aggregate, name }]) => aggregate === kind && name !== 'restated');
  const lines = [
    '# Events',
    '',
    'Made from the catalogue in `libs/contracts/src/events`; do not edit it here.',
    '',
    'Facts are CloudEvents 1.0 in binary mode on NATS: the attributes are headers (`ce-id`, `ce-type`, `ce-source`,',
    '`ce-time`, `ce-subject` …), the payload is JSON. One stream holds all of them in one order; the position of an event is',
    'its stream sequence, and so is the id of the event in `GET /v1/events`.',
    '',
    '| what | where |',
    '|---|---|',
    `| facts | stream \`${streams.events}\`, subject \`plinth.events.<aggregate>.<id>\`, such as \`${eventSubject('task', 'app')}\` |`,
    `| dispatched runs | stream \`${streams.dispatch}\`, subject \`plinth.dispatch.<pool>\` (work queue) |`,
    `| output of runs | stream \`${streams.logs}\`, subject \`plinth.logs.<run>\` |`,
    `| what could not be processed | stream \`${streams.dead}\` |`,
    `| object stores | ${[buckets.contexts, buckets.snapshots].map((one) => `\`${one}\``).join(', ')} |`,
    `| key-value buckets | ${[buckets.secrets, buckets.tokens, buckets.leases, buckets.webhooks].map((one) => `\`${one}\``).join(', ')} |`,
    '',
    'An id stands in a subject as it is where it has only letters, digits, `-` and `_`; else as `~` and its base64url:',
    `\`${eventSubject('tag', 'docker.io/library/node:22')}\` is the tag \`docker.io/library/node:22\`.`,
    '',
    'A type is `dev.plinth.<aggregate>.<event>.v<version>`. Each aggregate can also be `restated`: its full state, written',
    'when the book that held its events is closed.',
    '',
  ];
  for (const kind of aggregateKinds) {
    lines.push(`## ${kind}`, '');
    for (const [type, definition] of ofKind(kind)) {
      lines.push(`### ${type}`, '', definition.summary, '', '| field | type | meaning |', '|---|---|---|');
      lines.push(...fields(definition), '');
    }
  }
  return lines.join('\n');
};
