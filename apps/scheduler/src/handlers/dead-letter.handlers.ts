import { Injectable } from '@nestjs/common';
import { PlinthError, type DeadLetterView, type Input, type Output } from '#libs/contracts';
import type { DeadLetter } from '#libs/event-log';
import { numberCursorOf, pageSizeOf, Runtime, tokenOf } from '#libs/runtime';

const view = ({ id, kind, at, source, cause, subject, payload }: DeadLetter): DeadLetterView => ({
  id: String(id),
  kind: kind === 'dispatch' ? 'Dispatch' : 'Event',
  at: at.toISOString(),
  source,
  cause,
  subject,
  payload,
  replayable: kind === 'dispatch',
});

/** What could not be processed, for people. */
@Injectable()
export class DeadLetterHandlers {
  constructor(private readonly runtime: Runtime) {}

  async listDeadLetters(input: Input<'listDeadLetters'>): Promise<Output<'listDeadLetters'>> {
    const size = pageSizeOf(input.pageSize);
    const after = numberCursorOf(input.pageToken) ?? 0;
    const found = await this.runtime.jet.dead.list({ after, limit: size + 1 });
    const page = found.slice(0, size);
    return {
      deadLetters: page.map(view),
      nextPageToken: found.length > size ? tokenOf(page.at(-1)!.id) : '',
    };
  }

  async replayDeadLetter({ id }: Input<'replayDeadLetter'>): Promise<DeadLetterView> {
    const { dead } = this.runtime.jet;
    const letter = await dead.get(Number(id));
    if (!letter) {
      throw new PlinthError(
        'NOT_FOUND',
        `There is no dead letter ${id}: it was replayed already, or is older than 30 days. GET /v1/dead-letters lists those that there are.`,
      );
    }
    if (letter.kind === 'event') {
      throw new PlinthError(
        'FAILED_PRECONDITION',
        `The dead letter ${id} is an event that is still in the log: ${letter.source} reads it again when it starts. Install a version of it that can take the event.`,
      );
    }
    await dead.replay(letter);
    return view(letter);
  }
}
