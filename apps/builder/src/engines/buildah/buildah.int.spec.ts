import { describe, expect, it } from 'vitest';
import { engineConformance } from '../conformance.js';
import { capture } from '../process-group.js';
import { isTested } from '../testing/engines.js';
import { BuildahEngine } from './buildah.js';

const installed = await capture('buildah', ['--version']).then(
  ({ code }) => code === 0,
  () => false,
);
if (isTested('buildah') && installed) {
  engineConformance('buildah', async (dir) => new BuildahEngine({ dir, slots: 1 }));
}

describe('a machine for the buildah engine', () => {
  it('has buildah, unless PLINTH_TEST_ENGINES leaves it out', () => {
    if (isTested('buildah') && !installed) expect.fail('buildah is missing: apt-get install -y buildah runc');
  });

  it('is told what to install where buildah is missing', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      const check = await new BuildahEngine({ dir: '/nonexistent', slots: 1 }).check();
      expect(check).toMatchObject({ ok: false, fix: 'apt-get install -y buildah runc' });
    } finally {
      process.env['PATH'] = path;
    }
  });
});
