/** What a notification says: a tag may have moved. It only ever causes a look. */
export interface Hint {
  /** Repository on the registry that sent it, without the host. */
  readonly repository: string;
  readonly tag: string;
  /** Digest that it says was pushed. Believed only to say that a look is not needed. */
  readonly digest?: string;
}

export interface HookRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The raw bytes, already within the limit. */
  readonly body: Buffer;
}

/**
 * How one kind of registry tells of pushes. A dialect is a file like its neighbours and a line in `index.ts`.
 */
export interface HookDialect {
  /** Name in the path: `/v1/hooks/{name}/{registry}`. */
  readonly name: string;
  /** Whether the request comes from who knows the secret. Compared in constant time. */
  authenticates(request: HookRequest, secret: string): boolean;
  /**
   * Tags that the body says were pushed; empty when it tells of something else.
   * @throws HookFormatError when the body is not of this dialect
   */
  parse(request: HookRequest): Hint[];
}

export class HookFormatError extends Error {
  readonly code = 'HOOK_FORMAT';
}

/** JSON of a body, or a sentence that says what is wrong with it. */
export const jsonOf = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new HookFormatError('The body is not JSON.');
  }
};
