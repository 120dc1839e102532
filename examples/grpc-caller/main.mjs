/**
 * Calls Plinth over gRPC with nothing but its proto files:
 *
 *   node main.mjs states        every task, its state, and why
 *   node main.mjs run TASK      runs a task, prints its log, exits with 0 when it succeeded
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const { PLINTH_GRPC = '127.0.0.1:7461', PLINTH_TOKEN = '', PLINTH_PROTO = 'proto', PLINTH_TLS = '' } = process.env;

const files = ['graph_service.proto', 'scheduler_service.proto'].map((file) => join('plinth/v1', file));
const definition = loadSync(files, { includeDirs: [PLINTH_PROTO], longs: Number, enums: String, oneofs: true });
const { GraphService, SchedulerService } = loadPackageDefinition(definition).plinth.v1;
const channel = PLINTH_TLS === '' ? credentials.createInsecure() : credentials.createSsl();
const graph = new GraphService(PLINTH_GRPC, channel);
const scheduler = new SchedulerService(PLINTH_GRPC, channel);

/** Position that the last answer stood at: sent along, so that what this program wrote is seen by it. */
let position;
const metadata = () => {
  const sent = new Metadata();
  sent.set('authorization', `Bearer ${PLINTH_TOKEN}`);
  if (position !== undefined) sent.set('plinth-position', position);
  return sent;
};

/** One call, one answer. Each has a deadline: a server that does not answer must not hold us for ever. */
const call = (client, method, request) =>
  new Promise((resolve, reject) => {
    const deadline = Date.now() + 30_000;
    const sent = client[method](request, metadata(), { deadline }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
    sent.on('metadata', (received) => (position = received.get('plinth-position')[0] ?? position));
  });

const print = (line) => process.stdout.write(`${line}\n`);

const states = async () => {
  let pageToken = '';
  do {
    const page = await call(graph, 'ListStates', { pageToken });
    for (const { task, state, reasons } of page.states) {
      print([task, state.replace('TASK_STATE_', ''), ...reasons.map(({ text }) => text)].join('\t'));
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
};

const run = async (name) => {
  const { run: started } = await call(scheduler, 'RunTask', { name });
  for await (const { logLine } of scheduler.GetRunLogs({ run: started.runId, follow: true }, metadata())) {
    print(logLine.text);
  }
  for (;;) {
    const { run: now } = await call(scheduler, 'GetRun', { run: started.runId });
    if (now.finishTime !== undefined) {
      print(`${now.runId} ${now.status.replace('RUN_STATUS_', '')}`);
      return now.status === 'RUN_STATUS_SUCCEEDED' ? 0 : 1;
    }
    await delay(200); // the log ends a moment before the run does
  }
};

/** What Plinth says is wrong: problem details, in the trailing metadata. */
const explain = (error) => {
  const [bytes] = error.metadata?.get('plinth-problem-bin') ?? [];
  return bytes === undefined ? error.message : JSON.parse(bytes.toString('utf8')).detail;
};

const [command, name] = process.argv.slice(2);
try {
  if (command === 'states') await states();
  else if (command === 'run' && name !== undefined) process.exitCode = await run(name);
  else {
    process.stderr.write('Usage: node main.mjs states | run TASK\n');
    process.exitCode = 2;
  }
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
} finally {
  graph.close();
  scheduler.close();
}
