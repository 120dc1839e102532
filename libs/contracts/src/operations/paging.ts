import { z } from 'zod';

/** AIP-158: a size over the maximum is lowered, the token is opaque, an empty next token is the only end. */
export const pageInput = {
  pageSize: z.coerce.number().int().min(0).optional().describe('Items a page; 50 when absent, 1000 at most.'),
  pageToken: z.string().max(1024).optional().describe('`nextPageToken` of the page before.'),
};
export const pageOutput = {
  nextPageToken: z.string().describe('Token of the next page; empty at the end.'),
};
/** Named in the path by fields of this kind, so that nobody writes the schema twice. */
export const empty = z.object({});
