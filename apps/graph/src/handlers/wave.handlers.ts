import { Injectable } from '@nestjs/common';
import { PlinthError, type Input, type Output, type WaveView } from '#libs/contracts';
import { numberCursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import { GraphService } from '../graph.service.js';
import type { StoredWave } from '../projection/graph-projection.js';
import type { MemberStatus } from '../waves/wave-book.js';

const countOf = (wave: StoredWave, ...statuses: MemberStatus[]): number =>
  wave.members.filter(({ status }) => statuses.includes(status)).length;

const view = (wave: StoredWave): WaveView => ({
  wave: wave.id,
  reference: wave.reference,
  from: wave.from,
  to: wave.to,
  seenBy: wave.seenBy,
  hintedAt: wave.hintedAt,
  openedAt: wave.openedAt,
  closedAt: wave.closedAt,
  tasks: wave.members.length,
  depth: wave.depth,
  counts: {
    waiting: countOf(wave, 'Waiting'),
    running: countOf(wave, 'Running'),
    built: countOf(wave, 'Built'),
    unchanged: countOf(wave, 'Unchanged', 'Settled'),
    restored: 0,
    rebased: 0,
    failed: countOf(wave, 'Failed'),
    excused: countOf(wave, 'Excused'),
  },
});

@Injectable()
export class WaveHandlers {
  constructor(private readonly graph: GraphService) {}

  async listWaves(input: Input<'listWaves'>): Promise<Output<'listWaves'>> {
    const size = pageSizeOf(input.pageSize);
    const before = numberCursorOf(input.pageToken) ?? Number.MAX_SAFE_INTEGER;
    const open = input.open ? `AND facts ->> 'closedAt' IS NULL` : '';
    const rows = this.graph.log.projector.db
      .prepare(`SELECT position, facts FROM graph_wave WHERE position < ? ${open} ORDER BY position DESC LIMIT ?`)
      .all(before, size + 1) as { position: number; facts: string }[];
    const page = rows.slice(0, size);
    return {
      waves: page.map(({ facts }) => view(JSON.parse(facts) as StoredWave)),
      nextPageToken: rows.length > size ? tokenOf(page.at(-1)!.position) : '',
    };
  }

  async getWave({ wave: id }: Input<'getWave'>): Promise<Output<'getWave'>> {
    const row = this.graph.log.projector.db.prepare('SELECT facts FROM graph_wave WHERE id = ?').get(id) as
      { facts: string } | undefined;
    if (!row) throw new PlinthError('NOT_FOUND', `There is no wave ${id}. GET /v1/waves lists those that there are.`);
    const wave = JSON.parse(row.facts) as StoredWave;
    const members = wave.members.toSorted((a, b) => a.level - b.level || (a.task < b.task ? -1 : 1));
    return { ...view(wave), members };
  }
}
