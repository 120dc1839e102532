import { readFile } from 'node:fs/promises';
import { fromJSON, loadSync } from '@grpc/proto-loader';
import { describe, expect, it } from 'vitest';
import { apiShape } from '../codec/catalog.js';
import { grpcDescriptor } from '../codec/index.js';
import { extendLock } from '../codec/lock.js';
import { operations } from '../operations/index.js';
import { generatedFiles } from './main.js';
import { protoFiles } from './proto.js';

describe('generated files', () => {
  it('are as the table of operations says: else run the generator and commit what it writes', async () => {
    const wanted = await generatedFiles(process.cwd());
    const committed = await Promise.all(
      [...wanted.keys()].map(async (path): Promise<[string, string]> => [path, await readFile(path, 'utf8')]),
    );
    expect(Object.fromEntries(committed)).toEqual(Object.fromEntries(wanted));
  });

  it('say in proto what the codec uses', () => {
    const proto = 'libs/contracts/generated/proto';
    const files = [
      ...protoFiles(apiShape(operations), extendLock(apiShape(operations), { messages: {}, enums: {} })).keys(),
    ];
    const written = loadSync(files, { includeDirs: [proto] });
    const used = fromJSON(grpcDescriptor() as never);
    expect(
      Object.keys(written)
        .filter((name) => name.startsWith('plinth'))
        .sort(),
    ).toEqual(
      Object.keys(used)
        .filter((name) => name.startsWith('plinth'))
        .sort(),
    );
    // One serialises, the other reads: the same numbers and types.
    const methods = (definition: object, name: string) =>
      (
        definition as Record<
          string,
          Record<string, { requestSerialize(v: object): Buffer; requestDeserialize(b: Buffer): object }>
        >
      )[name]!;
    const message = {
      name: 'a',
      timeout: 5,
      status: 1,
      nullFields: ['step'],
      tags: { a: 'b' },
      step: { imageNames: ['x'], noCache: true },
    };
    const name = 'plinth.v1.SchedulerService';
    const bytes = methods(used, name)['UpdateTask']!.requestSerialize(message);
    expect(methods(written, name)['UpdateTask']!.requestSerialize(message)).toEqual(bytes);
  });

  it('keep the numbers of what is gone reserved', () => {
    const api = apiShape(operations);
    const before = extendLock(api, {
      messages: { GetRunRequest: { id_of_old: 1 } },
      enums: { SeenBy: { SEEN_BY_OLD: 1 } },
    });
    const files = protoFiles(api, before);
    expect(files.get('plinth/v1/scheduler_service.proto')).toMatch(
      /message GetRunRequest \{\n {2}reserved 1;\n {2}reserved "id_of_old";\n[^}]* string run = 2;/,
    );
    expect(files.get('plinth/v1/types.proto')).toMatch(/enum SeenBy \{\n {2}reserved 1;\n {2}reserved "SEEN_BY_OLD";/);
  });
});
