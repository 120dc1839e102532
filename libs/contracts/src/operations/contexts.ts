import { z } from 'zod';
import { digestSchema } from '../model/ids.js';
import { defineOperation } from '../operation.js';

/** Limits of an archive (zip bombs, links that leave it): refused whole when one is passed. */
export const contextLimits = {
  compressedBytes: 512 * 1024 * 1024,
  unpackedBytes: 2 * 1024 * 1024 * 1024,
  entries: 100_000,
} as const;

export const contextOperations = {
  uploadContext: defineOperation({
    name: 'uploadContext',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/contexts',
    scope: 'run',
    team: 'none',
    status: 201,
    summary: 'Upload a build context',
    kind: 'upload',
    description: 'A .tar.gz. It is stored by its digest; the answer names it for `contextPath`.',
    input: z.object({}),
    output: z.object({ contextPath: z.string(), digest: digestSchema, bytes: z.number().int() }),
    errors: ['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'],
    accepts: {
      types: ['application/gzip', 'application/x-gzip', 'application/octet-stream'],
      maxBytes: contextLimits.compressedBytes,
    },
  }),
};
