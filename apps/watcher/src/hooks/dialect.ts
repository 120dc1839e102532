import { z } from 'zod';
import type { RawResponse } from '#libs/service';
import type { Proof } from './proof.js';

/** What a notification says: a tag may have moved. It only ever causes a look. */
export interface Hint {
  /** Repository without the host, as the sender names it. */
  readonly repository: string;
  readonly tag: string;
  /** Digest that it says was pushed. Believed only to say that a look is not needed. */
  readonly digest?: string | undefined;
  /** Host that it says, where one subscription tells of several. Tags of another host than the registry's are left out. */
  readonly host?: string | undefined;
  /** Id of the event: one that comes again costs nothing. */
  readonly id?: string | undefined;
}

export interface HookRequest {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The raw bytes, already within the limit. */
  readonly body: Buffer;
}

/**
 * How one kind of registry tells of pushes. A dialect is a file like its neighbours and a line in `index.ts`.
 */
export interface HookDialect {
  /** Ways in which its senders can prove who they are; one that the registry's settings have a secret for must hold. */
  readonly proofs: readonly Proof[];
  /** The answer to a sender that asks whether the address is right; undefined for all else. Called after the proof. */
  readonly handshake?: (request: HookRequest) => RawResponse | undefined;
  /** The same for senders that ask by `OPTIONS`, before they send anything. */
  readonly preflight?: (request: HookRequest) => RawResponse;
  /**
   * Tags that the body says were pushed; empty when it tells of something else. A hint costs nothing unless somebody
   * tracks the tag: where it is not certain under which name images are pulled, every name is a hint.
   * @throws HookFormatError when the body is not of this dialect
   */
  readonly parse: (request: HookRequest) => Hint[];
}

export class HookFormatError extends Error {
  readonly code = 'HOOK_FORMAT';
}

/** A text of a body. No name, tag, digest or id is longer. */
export const text = z.string().max(512);
/** Most events of one body; nobody sends as many. */
export const mostEvents = 10_000;

/** JSON of a body. @throws HookFormatError */
export const jsonOf = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new HookFormatError('The body is not JSON. Have the sender use application/json.');
  }
};

/** A value that has the shape of what a sender sends. @throws HookFormatError naming the first field that has not */
export const shaped = <S extends z.ZodType>(schema: S, value: unknown, sender: string): z.output<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.length ? `\`${issue.path.map(String).join('.').slice(0, 200)}\`` : 'it';
  throw new HookFormatError(
    `The body is no notification of ${sender}: ${field} is not as expected (${issue?.message}). Does the address name the right dialect?`,
  );
};
