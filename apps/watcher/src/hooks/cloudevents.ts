import { z } from 'zod';
import { shaped, text, type HookRequest } from './dialect.js';

/** A CloudEvent, as far as notifications need it. */
export interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

const structured = z.object({ specversion: text, id: text, type: text, data: z.unknown() });

/**
 * The CloudEvent that a request carries: in its headers (binary mode) or in its body (structured mode), CloudEvents 1.0
 * HTTP binding §3. Undefined when it is none.
 * @throws HookFormatError when it is one, but ill-formed
 */
export const cloudEventOf = (headers: HookRequest['headers'], json: unknown): CloudEvent | undefined => {
  const { 'ce-id': id, 'ce-type': type, 'ce-specversion': version } = headers;
  if (version !== undefined) {
    const { data, ...event } = shaped(structured, { specversion: version, id, type, data: json }, 'CloudEvents');
    return { id: event.id, type: event.type, data };
  }
  if (typeof json !== 'object' || json === null || !('specversion' in json)) return undefined;
  const event = shaped(structured, json, 'CloudEvents');
  return { id: event.id, type: event.type, data: event.data };
};
