/**
 * Follows Plinth's event log with a durable consumer: what happens while this program is away is there when it comes
 * back. Prints each event as one line of JSON, in the JSON format of CloudEvents 1.0.
 *
 *   node main.mjs create     makes the consumer; by an operator, once
 *   node main.mjs            reads from it
 */
import { readFile } from 'node:fs/promises';
import { AckPolicy, connect, credsAuthenticator, DeliverPolicy, NatsError } from 'nats';

const stream = 'PLINTH_EVENTS';
const {
  NATS_URL = 'nats://127.0.0.1:4222',
  NATS_USER,
  NATS_PASSWORD,
  NATS_CREDS,
  // One name for each program; two processes with one name share the events between them.
  DURABLE = 'example-subscriber',
  SUBJECT = 'plinth.events.run.>',
  // `new` begins with what happens next, `all` with the oldest event that is still in the log. Counts the first time.
  BEGIN = 'all',
  INBOX_PREFIX = `_INBOX_${DURABLE}`,
} = process.env;

/** Values of ce- headers are percent-encoded UTF-8 (CloudEvents NATS binding). */
const cloudEvent = (message) => {
  const attributes = {};
  for (const [name, [value]] of message.headers ?? []) {
    if (name.startsWith('ce-')) attributes[name.slice('ce-'.length)] = decodeURIComponent(value);
  }
  return { ...attributes, plinthposition: message.seq, data: message.json() };
};

/**
 * Makes the consumer. Who may do that may have events sent anywhere, so it is not for the reader itself: see the
 * permissions in docs/watching.md.
 */
const create = async (connection) => {
  const manager = await connection.jetstreamManager({ checkAPI: false });
  await manager.consumers.add(stream, {
    name: DURABLE,
    durable_name: DURABLE,
    filter_subject: SUBJECT,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: BEGIN === 'new' ? DeliverPolicy.New : DeliverPolicy.All,
    // In order, also when one is delivered again: the next one comes after this one was acknowledged.
    max_ack_pending: 1,
  });
};

/** Prints what comes, from where it was left, until it is told to stop. */
const read = async (connection) => {
  // Without asking $JS.API.INFO, which the permissions of a reader need not allow.
  const consumer = await connection.jetstream({ checkAPI: false }).consumers.get(stream, DURABLE);
  const messages = await consumer.consume({ max_messages: 1 });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void messages.close());
  for await (const message of messages) {
    process.stdout.write(`${JSON.stringify(cloudEvent(message))}\n`);
    // Only now: what was printed and not acknowledged is printed again, under the same id.
    message.ack();
  }
};

const connection = await connect({
  servers: NATS_URL.split(','),
  name: DURABLE,
  inboxPrefix: INBOX_PREFIX,
  maxReconnectAttempts: -1,
  ...(NATS_USER ? { user: NATS_USER, pass: NATS_PASSWORD } : {}),
  ...(NATS_CREDS ? { authenticator: credsAuthenticator(await readFile(NATS_CREDS)) } : {}),
});
try {
  await (process.argv[2] === 'create' ? create(connection) : read(connection));
} catch (error) {
  const isMissing = error instanceof NatsError && error.api_error?.err_code === 10014;
  const words = isMissing
    ? `There is no consumer ${DURABLE}. An operator makes it: node main.mjs create`
    : error.message;
  process.stderr.write(`${words}\n`);
  process.exitCode = 1;
}
await connection.drain();
