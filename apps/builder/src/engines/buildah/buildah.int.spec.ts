import { describe, expect, it } from 'vitest';
import { engineConformance } from '../conformance.js';
import { hostileDockerfiles } from '../hostile.js';
import { capture } from '../process-group.js';
import { requestOf } from '../testing/request.js';
import { isTested } from '../testing/engines.js';
import { BuildahEngine } from './buildah.js';

const installed = await capture('buildah', ['--version']).then(
  ({ code }) => code === 0,
  () => false,
);
if (isTested('buildah') && installed) {
  engineConformance('buildah', async (dir) => new BuildahEngine({ dir, slots: 1 }), { writesLayersAgain: true });
  hostileDockerfiles('buildah', async (dir, limiter) => new BuildahEngine({ dir, slots: 1, limiter }));
}

describe('a machine for the buildah engine', () => {
  it('has buildah, unless PLINTH_TEST_ENGINES leaves it out', () => {
    if (isTested('buildah') && !installed) expect.fail('buildah is missing: apt-get install -y buildah runc');
  });

  it('refuses chroot unless it is said to be trusted, and says what else there is', async () => {
    const engine = new BuildahEngine({ dir: '/nonexistent', slots: 1, isolation: 'chroot' });
    expect(await engine.check()).toMatchObject({
      ok: false,
      problem: expect.stringContaining('a build step can do anything on this machine'),
      fix: expect.stringContaining('PLINTH_ISOLATION=oci, or PLINTH_TRUSTED=yes'),
    });
    await expect(engine.build(await requestOf('/nonexistent', {}))).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('PLINTH_TRUSTED=yes'),
    });
    expect(
      await new BuildahEngine({ dir: '/nonexistent', slots: 1, isolation: 'chroot', trusted: true }).check(),
    ).toEqual(installed ? expect.objectContaining({ ok: true }) : expect.objectContaining({ ok: false }));
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
