import { describe, expect, it } from 'vitest';
import { engineConformance } from '../conformance.js';
import { capture } from '../process-group.js';
import { isTested } from '../testing/engines.js';
import { BuildahEngine } from './buildah.js';

if (isTested('buildah')) {
  const installed = await capture('buildah', ['--version']).then(
    ({ code }) => code === 0,
    () => false,
  );
  if (installed) engineConformance('buildah', async (dir) => new BuildahEngine({ dir, slots: 1 }));
  else {
    describe('the buildah engine', () => {
      it('is installed', () => {
        expect.fail('buildah is missing: apt-get install -y buildah runc');
      });
    });
  }
} else {
  describe('the buildah engine', () => {
    it('names what is missing where buildah is not installed', async () => {
      const check = await new BuildahEngine({ dir: '/nonexistent', slots: 1 }).check();
      expect(check.ok || check.fix).toSatisfy((fix) => fix === true || fix === 'apt-get install -y buildah runc');
    });
  });
}
