import { describe, expect, it } from 'vitest';
import { shownPath } from './shown-path.js';

describe('a path in an answer or a log', () => {
  it('has no key of a notification', () => {
    expect(shownPath('/v1/hooks/quay/quay.io/the-key')).toBe('/v1/hooks/quay/quay.io/•••');
    expect(shownPath('/v1/hooks/quay/quay.io/the-key/more')).toBe('/v1/hooks/quay/quay.io/•••');
    expect(shownPath("'/v1/hooks/quay/quay.io/the%-key' is no URL")).toBe("'/v1/hooks/quay/quay.io/•••' is no URL");
  });

  it('is itself otherwise', () => {
    for (const path of ['/v1/hooks/quay/quay.io', '/v1/tasks/app', '/']) expect(shownPath(path)).toBe(path);
  });
});
