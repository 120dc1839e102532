import { subjectToken, type Snapshot } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';

/** What is posted. Standard Webhooks: `type`, `timestamp`, and thin `data`, below 20 kB together. */
export interface Message {
  /** `webhook-id`: the same at every try and at a replay, so that receivers can tell what they had. */
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

/** Standard Webhooks asks for payloads below 20 kB. */
export const mostBytes = 20_000;
const mostText = 500;
const mostItems = 16;

type Fields = Readonly<Record<string, unknown>>;

/** Fields that are told as they are. What is large or not needed to act is asked for by the position or the id. */
const toldFields = {
  run: [
    'run',
    'task',
    'attempt',
    'runType',
    'code',
    'reason',
    'message',
    'by',
    'seconds',
    'retryAt',
    'unchanged',
    'waves',
  ],
  wave: ['wave', 'reference', 'tasks', 'depth', 'seenBy', 'built', 'restored', 'rebased', 'unchanged', 'unfinished'],
  tag: ['reference', 'seenBy', 'policy', 'reason', 'run', 'digest', 'was'],
} as const;

const short = (value: unknown): unknown => {
  if (typeof value === 'string' && value.length > mostText) return `${value.slice(0, mostText - 1)}…`;
  return Array.isArray(value) ? value.slice(0, mostItems).map(short) : value;
};

/** `from` and `to` of images and waves: the digest alone. */
const digestOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (value as Snapshot).digest : value;

const thin = (event: RecordedEvent): Fields => {
  const kind = event.aggregate.kind as keyof typeof toldFields;
  const data = event.data as Fields;
  const told: Record<string, unknown> = {};
  for (const field of toldFields[kind]) if (field in data) told[field] = short(data[field]);
  for (const field of ['from', 'to', 'candidate']) if (field in data) told[field] = digestOf(data[field]);
  if (Array.isArray(data['outputs'])) {
    const outputs = data['outputs'] as { reference: string; digest: string }[];
    told['images'] = outputs.slice(0, mostItems).map(({ reference, digest }) => ({ reference, digest }));
    if (outputs.length > mostItems) told['moreImages'] = outputs.length - mostItems;
  }
  return told;
};

/** @param task of the run that the event is about, where it does not say so itself */
export const messageOf = (event: RecordedEvent, task: string | null | undefined): Message => {
  const { sequence: position, id, type, time: timestamp, aggregate } = event;
  const data: Fields = { position, id, subject: aggregate.id, ...(task === undefined ? {} : { task }), ...thin(event) };
  const whole = JSON.stringify({ type, timestamp, data });
  const { images: _images, ...rest } = data;
  return {
    // A dot in the id would move the border between what is signed: plain ids stay as they are, others are encoded.
    id: subjectToken(id),
    type,
    body: Buffer.byteLength(whole) < mostBytes ? whole : JSON.stringify({ type, timestamp, data: rest }),
  };
};

export const testMessage = (id: string, webhook: string, now: Date): Message => ({
  id: `test_${id}`,
  type: 'webhook.test',
  body: JSON.stringify({
    type: 'webhook.test',
    timestamp: now.toISOString(),
    data: { webhook, message: 'A test: nothing happened.' },
  }),
});
