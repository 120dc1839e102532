import type { MsgHdrs } from '@nats-io/transport-node';

/** The value of a header by its exact name; empty where there is none. */
export type HeaderOf = (name: string) => string;

/** What the client has of a message: its headers are the first `hdr` bytes of what arrived. */
interface Arrived {
  readonly _rdata?: unknown;
  readonly _msg?: { readonly hdr?: unknown };
}

/**
 * The headers of a message, read where they lie. The client takes all of them apart, into lists of checked strings, which
 * costs a replay more than parsing the bodies. Undefined when the client keeps its messages in another way than the one
 * that is known here; then its own headers do.
 */
export const rawHeaders = (message: object): HeaderOf | undefined => {
  const { _rdata: bytes, _msg } = ((message as { msg?: Arrived }).msg ?? message) as Arrived;
  const length = _msg?.hdr;
  if (!(bytes instanceof Uint8Array) || typeof length !== 'number' || length <= 0) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('utf8');
  return (name) => {
    const at = text.indexOf(`\r\n${name}:`);
    if (at === -1) return '';
    const from = at + name.length + 3;
    return text.slice(from, text.indexOf('\r\n', from)).trim();
  };
};

/** The same from headers that the client took apart. */
export const parsedHeaders = (headers: MsgHdrs | undefined): HeaderOf => {
  // Taken over once: each `get` of the client looks through all of them.
  const values = new Map<string, string[]>(headers);
  return (name) => values.get(name)?.[0] ?? '';
};
