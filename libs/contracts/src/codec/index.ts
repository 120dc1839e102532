import lockFile from '../../generated/proto/lock.json' with { type: 'json' };
import type { Operation } from '../operation.js';
import { operations } from '../operations/index.js';
import { apiShape, isWrapped, rpcPackage, rpcServiceName, type ApiShape, type RpcShape } from './catalog.js';
import { Codec } from './codec.js';
import { descriptorOf, type DescriptorNode } from './descriptor.js';
import type { NumberLock } from './lock.js';

export { CodecError } from './codec.js';
export type { DescriptorNode } from './descriptor.js';

type ProtoObject = Record<string, unknown>;
type JsonObject = Record<string, unknown>;

const lock: NumberLock = lockFile;
let shape: ApiShape | undefined;
const api = (): ApiShape => (shape ??= apiShape(operations));
const codec = new Codec(lock);

const rpcOf = (operation: Pick<Operation, 'name'>): RpcShape => {
  const rpc = api().rpcs.get(operation.name);
  if (!rpc) throw new Error(`${operation.name} is not in the table of operations`);
  return rpc;
};

/** The API for protobufjs and @grpc/proto-loader (`fromJSON`). */
export const grpcDescriptor = (): DescriptorNode => descriptorOf(api(), lock);
/** `plinth.v1.SchedulerService`. */
export const grpcServiceName = (service: Operation['service']): string => `${rpcPackage}.${rpcServiceName(service)}`;
/** `CreateTask`. */
export const grpcMethodName = (operation: Pick<Operation, 'name'>): string => rpcOf(operation).name;

/**
 * Input and output of operations, between JSON and protobuf objects. All throw CodecError for what does not fit.
 */
export const encodeInput = (operation: Pick<Operation, 'name'>, input: unknown): ProtoObject =>
  codec.encode(rpcOf(operation).request, input);
/** As the input schema of the operation wants it; it still has to be validated. */
export const decodeInput = (operation: Pick<Operation, 'name'>, proto: ProtoObject): JsonObject =>
  codec.decode(rpcOf(operation).request, proto, { text: true });
export const encodeOutput = (operation: Pick<Operation, 'name'>, output: unknown): ProtoObject => {
  const rpc = rpcOf(operation);
  return codec.encode(rpc.response, isWrapped(rpc) ? { [rpc.response.fields[0]?.json ?? '']: output } : output);
};
export const decodeOutput = (operation: Pick<Operation, 'name'>, proto: ProtoObject): JsonObject => {
  const rpc = rpcOf(operation);
  const value = codec.decode(rpc.response, proto);
  return isWrapped(rpc) ? (value[rpc.response.fields[0]?.json ?? ''] as JsonObject) : value;
};
