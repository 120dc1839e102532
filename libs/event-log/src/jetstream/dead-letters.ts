import { JetStreamApiError, type JetStreamClient, type JetStreamManager, type StoredMsg } from '@nats-io/jetstream';
import { deadSubject, streams } from '#libs/contracts';
import type { DeadLetter, DeadLetters, NewDeadLetter } from '../ports/dead-letters.js';
import { deadSubjects } from './streams.js';
import { wrongSequence } from './api-errors.js';

/** The dead letters on JetStream, beside the advisories of the server. */
export class JetStreamDeadLetters implements DeadLetters {
  constructor(
    private readonly js: JetStreamClient,
    private readonly jsm: JetStreamManager,
  ) {}

  async add({ once, ...letter }: NewDeadLetter): Promise<void> {
    const subject = deadSubject(letter.kind, letter.source, once);
    try {
      const expect = once === undefined ? {} : { expect: { lastSubjectSequence: 0 } };
      await this.js.publish(subject, JSON.stringify(letter), expect);
    } catch (error) {
      if (once === undefined || wrongSequence(error) === undefined) throw error;
    }
  }

  async list({ after, limit }: { readonly after: number; readonly limit: number }): Promise<DeadLetter[]> {
    const found: DeadLetter[] = [];
    for (let position = after; found.length < limit;) {
      const letter = await this.#message({ seq: position + 1, next_by_subj: deadSubjects });
      if (!letter) break;
      found.push(letter);
      position = letter.id;
    }
    return found;
  }

  get(id: number): Promise<DeadLetter | undefined> {
    return this.#message({ seq: id });
  }

  async replay({ id, subject, payload }: DeadLetter): Promise<void> {
    await this.js.publish(subject, payload, { msgID: `dead.${id}` });
    await this.jsm.streams.deleteMessage(streams.dead, id);
  }

  async #message(query: { seq: number; next_by_subj?: string }): Promise<DeadLetter | undefined> {
    let message: StoredMsg | null;
    try {
      message = await this.jsm.streams.getMessage(streams.dead, query);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === 10037) return undefined;
      throw error;
    }
    // An advisory of the server may stand at a position that somebody names.
    if (!message?.subject.startsWith('plinth.')) return undefined;
    return { ...message.json<Omit<NewDeadLetter, 'once'>>(), id: message.seq, at: message.time };
  }
}
