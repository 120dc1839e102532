/** A dispatched attempt in the hands of a builder. */
export interface DispatchedRun {
  readonly run: string;
  readonly attempt: number;
  /** 1 the first time. Attempts are counted on the run, never by this. */
  readonly deliveries: number;
  /** Asks for another ack wait; true when the server said so, false when it did not answer. */
  working(): Promise<boolean>;
  /** It is over: never delivered again. Resolves when the server knows. */
  ack(): Promise<void>;
  /** Delivered again after `ms` milliseconds. */
  retry(ms: number): void;
  /** Never delivered again; kept among the dead letters with the reason. */
  drop(reason: string): void;
}

export interface ConsumeOptions {
  /** How many messages are in hand at once; no more are fetched. */
  readonly slots: number;
  /** Silence after which a message is given to another builder; 30 s. */
  readonly ackWaitMs?: number;
}

/** Work queue of dispatched runs: each message goes to one builder of the pool at a time. */
export interface DispatchQueue {
  /** The same run and attempt again within 20 s is one message. */
  send(pool: string, message: { readonly run: string; readonly attempt: number }): Promise<void>;
  /** What is in the queue, taken or not: a run that is missing here is in nobody's hands. */
  held(): Promise<readonly { readonly run: string; readonly attempt: number }[]>;
  /**
   * Calls the handler for each message. One that the handler settles in no way is delivered again after the ack
   * wait; one whose handler rejects, after a second.
   */
  consume(
    pool: string,
    options: ConsumeOptions,
    handler: (message: DispatchedRun) => Promise<void>,
  ): {
    /** Takes nothing new, and resolves when the handlers in progress have ended. */
    close(): Promise<void>;
  };
}
