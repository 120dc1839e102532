import { describe, expect, it } from 'vitest';
import { renewalTime, TokenCache, type Token } from './tokens.js';

const token = (...scopes: string[]): Token => ({ value: scopes.join('+'), scopes: new Set(scopes), renewAt: 1000 });

describe('tokens', () => {
  it('serve every scope that they cover, alone or together', () => {
    const cache = new TokenCache();
    const both = token('repository:a:pull', 'repository:b:pull');
    cache.store(both, 0);
    expect(cache.find(['repository:b:pull'], 0)).toBe(both);
    expect(cache.find(['repository:b:pull', 'repository:a:pull'], 0)).toBe(both);
    expect(cache.find(['repository:a:pull', 'repository:c:pull'], 0)).toBeUndefined();
    expect(cache.find([], 0)).toBeUndefined();
  });

  it('that may push may pull, and not the other way round', () => {
    const cache = new TokenCache();
    cache.store(token('repository:a:pull,push'), 0);
    expect(cache.find(['repository:a:pull'], 0)).toBeDefined();
    cache.store(token('repository:b:pull'), 0);
    expect(cache.find(['repository:b:pull,push'], 0)).toBeUndefined();
  });

  it('that were refused for one scope still serve the others', () => {
    const cache = new TokenCache();
    const both = token('repository:a:pull', 'repository:b:pull');
    cache.store(both, 0);
    cache.refuse(both, ['repository:a:pull']);
    expect(cache.find(['repository:a:pull'], 0)).toBeUndefined();
    expect(cache.find(['repository:b:pull'], 0)).toBe(both);
  });

  it('are renewed before their end; a life of less than a minute is not believed', () => {
    expect(renewalTime(0, 300)).toBe(270_000);
    expect(renewalTime(0, 60)).toBe(45_000);
    expect(renewalTime(0, 5)).toBe(45_000);
    expect(renewalTime(0, undefined)).toBe(45_000);
    expect(renewalTime(0, 'soon')).toBe(45_000);
    const cache = new TokenCache();
    cache.store(token('x'), 0);
    expect(cache.find(['x'], 999)).toBeDefined();
    expect(cache.find(['x'], 1000)).toBeUndefined();
  });

  it('do not fill the memory', () => {
    const cache = new TokenCache();
    for (let at = 0; at < 50_000; at++) cache.store(token(`repository:r${at}:pull`), 0);
    expect(cache.find(['repository:r49999:pull'], 0)).toBeDefined();
    expect(cache.find(['repository:r0:pull'], 0)).toBeUndefined();
  });
});
