import { fromJSON } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operations } from '../operations/index.js';
import type { Operation } from '../operation.js';
import { arbitraryOf } from './arbitrary.js';
import {
  decodeInput,
  decodeOutput,
  encodeInput,
  encodeOutput,
  grpcDescriptor,
  grpcMethodName,
  grpcServiceName,
} from './index.js';

interface Method {
  requestSerialize(value: object): Buffer;
  requestDeserialize(bytes: Buffer): Record<string, unknown>;
  responseSerialize(value: object): Buffer;
  responseDeserialize(bytes: Buffer): Record<string, unknown>;
}
const definition = fromJSON(grpcDescriptor() as never, { longs: Number }) as unknown as Record<
  string,
  Record<string, Method>
>;
const methodOf = (operation: Operation): Method => {
  const method = definition[grpcServiceName(operation.service)]?.[grpcMethodName(operation)];
  if (!method) throw new Error(`No method for ${operation.name}`);
  return method;
};

/** Truth values of queries come out as text, as the input schema takes them. */
const asText = (operation: Operation, value: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      const takesBoolean = operation.input.shape[name] as
        { safeParse(value: unknown): { success: boolean } } | undefined;
      return [name, typeof part === 'boolean' && !takesBoolean?.safeParse(part).success ? String(part) : part];
    }),
  );

const all: readonly Operation[] = Object.values(operations);

describe('every operation', () => {
  it.each(all.map((operation) => [operation.name, operation] as const))(
    'carries each input and output of %s over gRPC unchanged',
    (_name, operation) => {
      const method = methodOf(operation);
      fc.assert(
        fc.property(arbitraryOf(operation.input), (value) => {
          const input = value as Record<string, unknown>;
          const bytes = method.requestSerialize(encodeInput(operation, input));
          expect(decodeInput(operation, method.requestDeserialize(bytes))).toEqual(asText(operation, input));
        }),
        { numRuns: 60 },
      );
      fc.assert(
        fc.property(arbitraryOf(operation.output), (output) => {
          const bytes = method.responseSerialize(encodeOutput(operation, output));
          expect(decodeOutput(operation, method.responseDeserialize(bytes))).toEqual(output);
        }),
        { numRuns: 60 },
      );
    },
  );
});

describe('what does not fit', () => {
  it('is an error that names the field, never dropped', () => {
    expect(() => encodeInput(operations.listRuns, { status: 'Paused' })).toThrow('status: expected one of Queued');
    expect(() => encodeInput(operations.listRuns, { colour: 'red' })).toThrow('colour: is no field');
    expect(() => encodeInput(operations.getRun, {})).toThrow('run: is missing');
    expect(() => encodeInput(operations.getRun, { run: null })).toThrow('run: may not be null');
    expect(() => decodeInput(operations.listRuns, { status: 99 })).toThrow('status: expected one of');
    expect(() => decodeInput(operations.updateTask, { name: 'a', nullFields: ['nothing'] })).toThrow('"nothing"');
    expect(() => decodeInput(operations.createTask, { name: 'a', step: {} })).toThrow('step: expected one of docker');
  });

  it('is no zero: what other languages leave out because it is zero comes back as zero', () => {
    expect(decodeOutput(operations.listTasks, {})).toEqual({ tasks: [], nextPageToken: '' });
    expect(decodeInput(operations.updateTask, { name: 'a', tags: {}, platforms: [] })).toEqual({ name: 'a' });
    expect(decodeInput(operations.updateTask, { name: 'a', emptyFields: ['tags'] })).toEqual({ name: 'a', tags: {} });
  });
});
