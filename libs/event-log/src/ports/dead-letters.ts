/** What could not be processed, as its finder tells it. */
export interface NewDeadLetter {
  /** `dispatch`: a message of the work queue; `event`: an event of the log that a service cannot take. */
  readonly kind: 'dispatch' | 'event';
  /** The pool, or the service. */
  readonly source: string;
  /** Why it could not be processed. */
  readonly cause: string;
  /** Where it was found, and where it goes when it is replayed. */
  readonly subject: string;
  readonly payload: string;
  /** Names it, where it must be told once only, however often it is found. */
  readonly once?: string;
}

export interface DeadLetter extends Omit<NewDeadLetter, 'once'> {
  /** Position among the dead letters. */
  readonly id: number;
  readonly at: Date;
}

/** The dead letters: kept with their cause until somebody replays them, or for 30 days. */
export interface DeadLetters {
  add(letter: NewDeadLetter): Promise<void>;
  /** Oldest first, those after a position. */
  list(options: { readonly after: number; readonly limit: number }): Promise<DeadLetter[]>;
  get(id: number): Promise<DeadLetter | undefined>;
  /**
   * Puts a message back where it was found, and takes the letter away. Repeated, it finds none; when it was broken off
   * between the two, the message comes twice, which the queue's readers bear.
   */
  replay(letter: DeadLetter): Promise<void>;
}
