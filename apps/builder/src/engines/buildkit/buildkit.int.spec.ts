import { join } from 'node:path';
import { expect, it } from 'vitest';
import { engineConformance } from '../conformance.js';
import { daemonKilled } from '../daemon-killed.js';
import { hostileDockerfiles } from '../hostile.js';
import { capture } from '../process-group.js';
import { isTested } from '../testing/engines.js';
import { useUnpackedTools } from '../testing/tools.js';
import { BuildKitEngine } from './buildkit.js';
import { ManagedBuildkitd } from './managed-buildkitd.js';

useUnpackedTools();
const isThere = await capture('buildkitd', ['--version']).then(
  ({ code }) => code === 0,
  () => false,
);
if (isTested('buildkit') && isThere) {
  engineConformance('buildkit', async (dir) => {
    const daemon = new ManagedBuildkitd({ dir: join(dir, 'buildkitd') });
    return new BuildKitEngine({ workDir: join(dir, 'jobs'), daemon });
  });
  daemonKilled(
    'buildkitd',
    (dir) =>
      new BuildKitEngine({ workDir: join(dir, 'jobs'), daemon: new ManagedBuildkitd({ dir: join(dir, 'daemon') }) }),
  );
  hostileDockerfiles('buildkit', async (dir, limiter) => {
    const daemon = new ManagedBuildkitd({ dir: join(dir, 'buildkitd') });
    return new BuildKitEngine({ workDir: join(dir, 'jobs'), daemon, limiter });
  });
}

it('has buildkitd to be tested with, unless PLINTH_TEST_ENGINES leaves it out', () => {
  if (isTested('buildkit') && !isThere) expect.fail('buildkitd is missing: npm run tools -- --all');
});
