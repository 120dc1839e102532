import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { deadSubject, streams } from '#libs/contracts';
import type { DeadLetter, DeadLetters, NewDeadLetter } from '../ports/dead-letters.js';
import { deadSubjects } from './streams.js';
import { apiCode, wrongSequence } from './api-errors.js';

/** The server's own codes: no message found, sequence not found. It answers either for what was deleted. */
const isGone = (error: unknown): boolean => [10037, 10043].includes(apiCode(error) ?? 0);

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
    // Two that replay it at once put it back once.
    await this.js.publish(subject, payload, { msgID: `dead.${id}` });
    try {
      await this.jsm.streams.deleteMessage(streams.dead, id);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #message(query: { seq: number; next_by_subj?: string }): Promise<DeadLetter | undefined> {
    let message: StoredMsg | null;
    try {
      message = await this.jsm.streams.getMessage(streams.dead, query);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
    // An advisory of the server may stand at a position that somebody names.
    if (!message?.subject.startsWith('plinth.')) return undefined;
    return { ...message.json<Omit<NewDeadLetter, 'once'>>(), id: message.seq, at: message.time };
  }
}
