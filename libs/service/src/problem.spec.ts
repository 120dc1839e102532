import { errors, fromProblem, PlinthError, type ErrorCode } from '#libs/contracts';
import type { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { problemKey, toStatus } from './grpc/status.js';
import { asPlinthError, toProblem } from './problem.js';
import { fieldPath } from './validation.js';

const id = '00000000-0000-4000-8000-000000000000';

describe('errors', () => {
  it.each(Object.keys(errors) as ErrorCode[])('%s goes over HTTP and gRPC and comes back the same', (code) => {
    const error = new PlinthError(code, 'What happened.', [{ field: 'a[0].b', message: 'expected more' }]);
    const back = fromProblem(JSON.parse(JSON.stringify(toProblem(error, id))));
    expect(back).toMatchObject({ code, message: 'What happened.', violations: error.violations });
    const { code: number, metadata } = toStatus(error, id);
    expect(number).toBe(errors[code].grpc);
    expect(fromProblem(JSON.parse((metadata as Metadata).get(problemKey)[0]!.toString()))).toMatchObject({ code });
  });

  it('with very many fields still fit into the metadata of gRPC', () => {
    const violations = Array.from({ length: 500 }, (_, index) => ({ field: `f${index}`, message: 'x'.repeat(100) }));
    const bytes = toStatus(new PlinthError('INVALID_ARGUMENT', 'Not valid.', violations), id).metadata.get(
      problemKey,
    )[0];
    expect(bytes!.length).toBeLessThanOrEqual(4096);
  });

  it('that nobody expected say nothing of their cause', () => {
    const error = asPlinthError(new Error('the password is hunter2'));
    expect(JSON.stringify(toProblem(error, id))).not.toContain('hunter2');
    expect(toProblem(asPlinthError(undefined), id).status).toBe(500);
    expect(toProblem(asPlinthError({ code: 'CONCURRENCY_CONFLICT' }), id)).toMatchObject({
      status: 409,
      code: 'CONFLICT',
    });
  });

  it('name fields as people write them', () => {
    expect(fieldPath(['step', 'imageNames', 0])).toBe('step.imageNames[0]');
    expect(fieldPath(['tags', 'a b'])).toBe('tags["a b"]');
  });
});
