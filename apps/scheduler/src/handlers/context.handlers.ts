import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { contextLimits, PlinthError, type Input, type Output } from '#libs/contracts';
import { checkArchive, isContextError } from '#libs/context';
import type { CallContext } from '#libs/service';
import { SchedulerService } from '../scheduler.service.js';

@Injectable()
export class ContextHandlers {
  constructor(private readonly scheduler: SchedulerService) {}

  /** The archive is read to its end and judged before a byte of it is kept: it is taken whole or refused whole. */
  async uploadContext(
    _input: Input<'uploadContext'>,
    body: Readable,
    call: CallContext,
  ): Promise<Output<'uploadContext'>> {
    const { workDir, contexts } = this.scheduler;
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(workDir, 'upload-'));
    try {
      const file = join(folder, 'context.tar.gz');
      await pipeline(body, createWriteStream(file, { mode: 0o600 }), { signal: call.signal });
      await checkArchive(createReadStream(file));
      const { digest, bytes } = await contexts.put(createReadStream(file), { maxBytes: contextLimits.compressedBytes });
      return { contextPath: `context://${digest}`, digest, bytes };
    } catch (error) {
      if (!isContextError(error)) throw error;
      throw new PlinthError(error.code === 'TOO_LARGE' ? 'PAYLOAD_TOO_LARGE' : 'INVALID_ARGUMENT', error.message, [], {
        cause: error,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
