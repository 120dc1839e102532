import { z } from 'zod';
import type { RawResponse } from '#libs/service';
import { HookFormatError, shaped, text, type HookRequest } from './dialect.js';

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

/**
 * Consent to be sent CloudEvents, for a sender that asks by `OPTIONS` (CloudEvents, HTTP 1.1 Web Hooks for Event Delivery,
 * §4): its own name back, and as many a minute as it likes.
 * @throws HookFormatError when it does not say who asks
 */
export const consent = ({ headers }: HookRequest): RawResponse => {
  const origin = headers['webhook-request-origin'];
  if (origin === undefined || !/^[A-Za-z0-9*.:_-]{1,253}$/.test(origin)) {
    throw new HookFormatError('OPTIONS is the question of a sender of CloudEvents: it needs WebHook-Request-Origin.');
  }
  return {
    status: 200,
    headers: { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*', allow: 'POST, OPTIONS' },
  };
};
