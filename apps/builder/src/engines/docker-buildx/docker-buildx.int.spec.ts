import { join } from 'node:path';
import { engineConformance } from '../conformance.js';
import { daemonKilled } from '../daemon-killed.js';
import { hostileDockerfiles } from '../hostile.js';
import { DockerBuildxEngine } from './docker-buildx.js';
import { ManagedDockerd } from './managed-dockerd.js';

engineConformance('docker-buildx', async (dir) => {
  const daemon = new ManagedDockerd({ dir: join(dir, 'dockerd') });
  return new DockerBuildxEngine({ workDir: join(dir, 'jobs'), daemon });
});

daemonKilled(
  'dockerd',
  (dir) =>
    new DockerBuildxEngine({ workDir: join(dir, 'jobs'), daemon: new ManagedDockerd({ dir: join(dir, 'daemon') }) }),
);
hostileDockerfiles('docker-buildx', async (dir, limiter) => {
  const daemon = new ManagedDockerd({ dir: join(dir, 'dockerd') });
  return new DockerBuildxEngine({ workDir: join(dir, 'jobs'), daemon, limiter });
});
