import type { z } from 'zod';
import type { ServiceName } from '../operation.js';
import { accessOperations } from './access.js';
import { answerOperations } from './answers.js';
import { applyOperations } from './apply.js';
import { contextOperations } from './contexts.js';
import { deadLetterOperations } from './dead-letters.js';
import { diagnosticsOperations } from './diagnostics.js';
import { eventOperations } from './events.js';
import { graphOperations } from './graph.js';
import { imageOperations } from './images.js';
import { policyOperations } from './policies.js';
import { registryOperations } from './registries.js';
import { runOperations } from './runs.js';
import { taskOperations } from './tasks.js';
import { webhookOperations } from './webhooks.js';

/** Every operation there is. */
export const operations = {
  ...registryOperations,
  ...policyOperations,
  ...imageOperations,
  ...taskOperations,
  ...runOperations,
  ...contextOperations,
  ...applyOperations,
  ...graphOperations,
  ...answerOperations,
  ...accessOperations,
  ...webhookOperations,
  ...eventOperations,
  ...diagnosticsOperations,
  ...deadLetterOperations,
};

export type Operations = typeof operations;
export type OperationName = keyof Operations;
/** What a handler gets: defaults filled in. */
export type Input<N extends OperationName> = z.output<Operations[N]['input']>;
/** What a caller writes: defaults may be left out. */
export type CallInput<N extends OperationName> = z.input<Operations[N]['input']>;
export type Output<N extends OperationName> = z.output<Operations[N]['output']>;

/** The operations that a service must handle. */
export type OperationsOf<S extends ServiceName> = {
  [N in OperationName]: Operations[N]['service'] extends S ? N : never;
}[OperationName];

export type StreamName = {
  [N in OperationName]: Operations[N] extends { kind: 'stream' } ? N : never;
}[OperationName];
export type UploadName = {
  [N in OperationName]: Operations[N] extends { kind: 'upload' } ? N : never;
}[OperationName];
