import { describe, expect, it } from 'vitest';
import type { Operation } from '../operation.js';
import { operations } from './index.js';

/** Operations that change something, that a token below `admin` may call, and that concern no team; with the reason. */
const reasons: Readonly<Record<string, string>> = {
  uploadContext: 'an archive is stored by its digest: nobody can change or guess what another one stored',
  testRegistry: 'it asks a known registry whether it is there; nothing is changed, and the answer holds no secret',
  lookAtImage: 'a look reads a registry; images belong to nobody',
};

describe('an operation that changes something', () => {
  const table: readonly Operation[] = Object.values(operations);

  it('is for the team that owns it, or for admin, or there is a reason', () => {
    const open = table.filter(({ method, scope, team }) => method !== 'GET' && scope !== 'admin' && team === 'none');
    expect(open.map(({ name }) => name).sort()).toEqual(Object.keys(reasons).sort());
  });

  it('names a field of its input as the thing that has an owner', () => {
    for (const { name, team, input } of table) {
      if (typeof team === 'object') expect(Object.keys(input.shape), name).toContain(team.by);
      if (team === 'named') expect(Object.keys(input.shape), name).toContain('team');
    }
  });

  it('asks for more than reading', () => {
    const weak = table.filter(({ method, scope }) => method !== 'GET' && scope === 'read');
    expect(weak.map(({ name }) => name)).toEqual([]);
  });
});
