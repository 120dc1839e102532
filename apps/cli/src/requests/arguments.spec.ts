import { describe, expect, it } from 'vitest';
import { buildArgument, secretName } from './arguments.js';

describe('secrets that are given by value', () => {
  it('are named for the task and the argument', () => {
    expect(secretName('shop', 'NPM_TOKEN')).toBe('shop.NPM_TOKEN');
  });

  it('never share a name, however long those of the task and the argument are', () => {
    const task = 'a'.repeat(63);
    const names = ['NPM_TOKEN', 'NPM_TOKEN_2', 'git-access-token'].map((what) => secretName(task, what));
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
    const { name } = buildArgument(`${'N'.repeat(255)}=x`);
    expect(secretName('shop', name)).toHaveLength(63);
  });
});
