import type { MsgHdrs } from '@nats-io/transport-node';
import {
  aggregateOfSubject,
  events,
  eventTypes,
  wireType,
  type EventDefinition,
  type EventType,
} from '#libs/contracts';
import { LogError } from '../errors.js';
import type { AggregateRef, NewEvent, RecordedEvent } from '../log.js';
import { decodeAttribute, encodeAttribute, specVersion } from './cloud-events.js';
import { parsedHeaders, rawHeaders, type HeaderOf } from './raw-headers.js';

/** An event, checked and in the form that goes over the wire. */
export interface EncodedEvent {
  readonly id: string;
  /** CloudEvents headers, already percent-encoded. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** What a reader will make of it, once the sequence is known. */
  recorded(sequence: number): RecordedEvent;
}

const definitions = events as Record<EventType, EventDefinition>;

/** Path of the first field of `given` that the schema does not know: zod drops those, the log refuses them. */
const unknownField = (given: unknown, parsed: unknown, path: string): string | undefined => {
  if (typeof given !== 'object' || given === null) return undefined;
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const at = path === '' ? key : `${path}.${key}`;
    if (!(key in parsed)) return at;
    const inner = unknownField(value, (parsed as Record<string, unknown>)[key], at);
    if (inner !== undefined) return inner;
  }
  return undefined;
};

const invalid = (aggregate: AggregateRef, type: string, why: string): LogError =>
  new LogError('EVENT_INVALID', `${type} for ${aggregate.kind} ${aggregate.id} was not appended: ${why}`);

/**
 * Checks an event against the catalogue and encodes it.
 * @throws LogError EVENT_INVALID naming the field
 */
export const encodeEvent = (aggregate: AggregateRef, event: NewEvent, source: string, now: Date): EncodedEvent => {
  const definition = definitions[event.type];
  if (!definition) throw invalid(aggregate, event.type, 'the catalogue in libs/contracts has no such event.');
  if (definition.aggregate !== aggregate.kind) {
    throw invalid(aggregate, event.type, `it is an event of a ${definition.aggregate}.`);
  }
  if (event.id === '') throw invalid(aggregate, event.type, 'its id is empty.');
  const parsed = definition.data.safeParse(event.data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(aggregate, event.type, `${issue?.path.join('.') || 'data'}: ${issue?.message ?? 'is not valid'}.`);
  }
  const unknown = unknownField(event.data, parsed.data, '');
  if (unknown !== undefined) throw invalid(aggregate, event.type, `${unknown} is not in its schema.`);

  const body = JSON.stringify(parsed.data);
  const time = event.time ?? now.toISOString();
  const causation = event.causation ?? null;
  const correlation = event.correlation ?? null;
  const traceparent = event.traceparent ?? null;
  const headers: [string, string][] = [
    ['ce-specversion', specVersion],
    ['ce-id', encodeAttribute(event.id)],
    ['ce-source', encodeAttribute(source)],
    ['ce-type', wireType(event.type)],
    ['ce-subject', encodeAttribute(aggregate.id)],
    ['ce-time', encodeAttribute(time)],
    ['ce-datacontenttype', 'application/json'],
  ];
  if (causation !== null) headers.push(['ce-causationid', encodeAttribute(causation)]);
  if (correlation !== null) headers.push(['ce-correlationid', encodeAttribute(correlation)]);
  if (traceparent !== null) headers.push(['ce-traceparent', encodeAttribute(traceparent)]);
  return {
    id: event.id,
    headers,
    body,
    recorded: (sequence) =>
      ({
        sequence,
        id: event.id,
        type: event.type,
        aggregate: { kind: aggregate.kind, id: aggregate.id },
        time,
        data: JSON.parse(body) as unknown,
        text: body,
        causation,
        correlation,
        traceparent,
      }) as RecordedEvent,
  };
};

interface KnownType {
  readonly type: EventType;
  readonly upcast?: (data: unknown) => unknown;
}

/** Wire types that were seen, so that the name is taken apart once. */
const known = new Map<string, KnownType>(eventTypes.map((type) => [wireType(type), { type }]));

const upcaster = (definition: EventDefinition, from: number): ((data: unknown) => unknown) | undefined => {
  const direct = definition.upcast?.[from];
  return direct && ((data) => direct(data));
};

const learn = (wire: string, sequence: number): KnownType => {
  const [, name, digits] = /^dev\.plinth\.([a-z]+\.[a-z-]+)\.v([1-9][0-9]*)$/.exec(wire) ?? [];
  const type = name as EventType | undefined;
  const definition = type === undefined ? undefined : definitions[type];
  if (type === undefined || definition === undefined) {
    throw new LogError(
      'EVENT_UNKNOWN',
      `Event ${sequence} has the type ${wire}, which this version of Plinth does not know. ` +
        'It stops here rather than skip a fact: run the version that wrote it, or a newer one.',
    );
  }
  const version = Number(digits);
  if (version > definition.version) {
    throw new LogError(
      'EVENT_FROM_THE_FUTURE',
      `Event ${sequence} is ${type} in version ${version}; this version of Plinth reads up to version ` +
        `${definition.version}. It stops here rather than misread a fact: upgrade this service.`,
    );
  }
  const upcast = upcaster(definition, version);
  if (!upcast) {
    throw new LogError(
      'EVENT_UNKNOWN',
      `Event ${sequence} is ${type} in version ${version}, and there is no upcaster from it. ` +
        `Add upcast[${version}] to ${type} in libs/contracts.`,
    );
  }
  const entry = { type, upcast };
  known.set(wire, entry);
  return entry;
};

/** A string of its own: a part of a longer one would keep all of that in memory. */
const detached = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

/**
 * An event as it came from the log. Its attributes and data are decoded when somebody asks: most projections look at a
 * few fields of a few types, and the largest events are not for them.
 */
class StoredEvent {
  /**
   * The event that was asked for its data last, and the data: all projections take one event before the next. Were each
   * event to keep its own, a batch of them would be copied by the garbage collector again and again.
   */
  private static newest: StoredEvent | undefined;
  private static newestData: unknown;

  private decodedTime: string | undefined;

  constructor(
    readonly sequence: number,
    private readonly known: KnownType,
    readonly aggregate: AggregateRef,
    private readonly header: HeaderOf,
    private readonly body: string,
  ) {}

  get type(): EventType {
    return this.known.type;
  }
  get id(): string {
    return decodeAttribute(detached(this.header('ce-id')));
  }
  get time(): string {
    return (this.decodedTime ??= decodeAttribute(detached(this.header('ce-time'))));
  }
  get causation(): string | null {
    return this.optional('ce-causationid');
  }
  get correlation(): string | null {
    return this.optional('ce-correlationid');
  }
  get traceparent(): string | null {
    return this.optional('ce-traceparent');
  }
  get text(): string | undefined {
    return this.known.upcast ? undefined : this.body;
  }
  /** @throws LogError EVENT_INVALID when the body is no JSON */
  get data(): unknown {
    if (StoredEvent.newest === this) return StoredEvent.newestData;
    let data: unknown;
    try {
      data = JSON.parse(this.body);
    } catch (cause) {
      const what = `Event ${this.sequence}, ${this.type} of ${this.aggregate.kind} ${this.aggregate.id}`;
      throw new LogError('EVENT_INVALID', `${what}, has a body that is no JSON: it was not written by Plinth.`, {
        cause,
      });
    }
    StoredEvent.newestData = this.known.upcast ? this.known.upcast(data) : data;
    StoredEvent.newest = this;
    return StoredEvent.newestData;
  }

  private optional(name: string): string | null {
    const value = this.header(name);
    return value === '' ? null : decodeAttribute(detached(value));
  }
}

/**
 * An event from headers and body. What is in our own log was validated when it was appended: it is not again,
 * which is what makes replay fast.
 *
 * @throws LogError EVENT_UNKNOWN, EVENT_FROM_THE_FUTURE
 */
export const decodeEvent = (
  sequence: number,
  aggregate: AggregateRef,
  header: HeaderOf,
  body: string,
): RecordedEvent => {
  const wire = header('ce-type');
  const type = known.get(wire) ?? learn(wire, sequence);
  return new StoredEvent(sequence, type, aggregate, header, body) as unknown as RecordedEvent;
};

/** The same for a message of NATS. */
export const decodeMessage = (message: {
  readonly seq: number;
  readonly subject: string;
  readonly headers?: MsgHdrs | undefined;
  string(): string;
}): RecordedEvent =>
  decodeEvent(
    message.seq,
    aggregateOfSubject(message.subject),
    rawHeaders(message) ?? parsedHeaders(message.headers),
    message.string(),
  );
