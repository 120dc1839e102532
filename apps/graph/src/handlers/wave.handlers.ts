import { Injectable } from '@nestjs/common';
import { PlinthError, type Input, type Output, type WaveView } from '#libs/contracts';
import { numberCursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import { GraphService } from '../graph.service.js';
import type { StoredWave } from '../projection/wave-store.js';

const view = (wave: StoredWave): WaveView => ({
  wave: wave.id,
  reference: wave.reference,
  from: wave.from,
  to: wave.to,
  seenBy: wave.seenBy,
  hintedAt: wave.hintedAt,
  openedAt: wave.openedAt,
  closedAt: wave.closedAt,
  tasks: wave.tasks,
  depth: wave.depth,
  counts: {
    waiting: wave.counts.Waiting,
    running: wave.counts.Running,
    built: wave.counts.Built,
    unchanged: wave.counts.Unchanged + wave.counts.Settled,
    restored: 0,
    rebased: 0,
    failed: wave.counts.Failed,
    excused: wave.counts.Excused,
  },
});

@Injectable()
export class WaveHandlers {
  constructor(private readonly graph: GraphService) {}

  async listWaves(input: Input<'listWaves'>): Promise<Output<'listWaves'>> {
    const size = pageSizeOf(input.pageSize);
    const before = numberCursorOf(input.pageToken) ?? Number.MAX_SAFE_INTEGER;
    const found = this.graph.projection.waveStore.list(before, size + 1, input.open ?? false);
    const page = found.slice(0, size);
    return {
      waves: page.map(view),
      nextPageToken: found.length > size ? tokenOf(page.at(-1)!.position) : '',
    };
  }

  async getWave({ wave: id }: Input<'getWave'>): Promise<Output<'getWave'>> {
    const wave = this.graph.projection.waveStore.find(id);
    if (!wave) throw new PlinthError('NOT_FOUND', `There is no wave ${id}. GET /v1/waves lists those that there are.`);
    const members = wave.members.toSorted((a, b) => a.level - b.level || (a.task < b.task ? -1 : 1));
    return { ...view(wave), members };
  }
}
