import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDockerfileError, resolveDockerfile } from '../index.js';
import {
  BuildKitFrontend,
  buildBuildKitFrontend,
  canAskBuildKit,
  type Answer,
  type Question,
} from '../testing/buildkit-frontend.js';
import { generatedBuild, triggeredImage, type GeneratedBuild } from '../testing/dockerfiles.js';

/** What BuildKit finds wrong in instructions that bring no image, which are left to the engine. */
const leftToTheEngine =
  /lint violation found|invalid mount target|must be a key=value pair|unexpected key|removing drive letter|failed to process/;

const question = (build: GeneratedBuild): Question => ({
  dockerfile: build.dockerfile,
  opts: {
    platform: build.platforms.join(','),
    ...(build.target !== undefined && { target: build.target }),
    ...prefixed('build-arg', build.buildArgs),
    ...prefixed('context', build.buildContexts),
  },
  onBuild: { [triggeredImage]: build.triggers },
});

const prefixed = (prefix: string, values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}:${name}`, value]));

type Ours = { readonly used: readonly string[]; readonly frontend: string | undefined } | { readonly error: string };

const resolve = async (build: GeneratedBuild): Promise<Ours> => {
  const onBuild = async (reference: string) => (reference === triggeredImage ? build.triggers : []);
  const { target, ...options } = build;
  try {
    const { images } = await resolveDockerfile(build.dockerfile, {
      ...options,
      ...(target !== undefined && { target }),
      onBuild,
    });
    const used = images
      .filter(({ role }) => role !== 'frontend')
      .flatMap(({ reference, platforms }) => platforms.map((platform) => `${reference} ${platform}`));
    return { used: [...new Set(used)].sort(), frontend: images.find(({ role }) => role === 'frontend')?.written };
  } catch (error) {
    if (isDockerfileError(error)) return { error: error.message };
    throw error;
  }
};

/** Undefined where both say the same. */
const disagreement = (ours: Ours, theirs: Answer): string | undefined => {
  if ('error' in ours) {
    return theirs.error === undefined && !theirs.hangs ? `only we refuse it: ${ours.error}` : undefined;
  }
  if (theirs.hangs) return undefined;
  if (theirs.frontend !== undefined || ours.frontend !== undefined) {
    return theirs.frontend === ours.frontend ? undefined : `frontend ${ours.frontend}, BuildKit: ${theirs.frontend}`;
  }
  if (theirs.error !== undefined) {
    return leftToTheEngine.test(theirs.error) ? undefined : `only BuildKit refuses it: ${theirs.error}`;
  }
  const same = JSON.stringify(ours.used) === JSON.stringify(theirs.used);
  return same ? undefined : `uses ${ours.used.join(', ')}; BuildKit: ${theirs.used.join(', ')}`;
};

if (canAskBuildKit()) {
  describe('for any Dockerfile and any options', () => {
    const buildkit = new BuildKitFrontend();
    beforeAll(buildBuildKitFrontend, 900_000);
    afterAll(() => buildkit.stop());

    it('the images are those that BuildKit itself would use, and what it refuses is refused', async () => {
      const seen = { resolved: 0, refused: 0, frontends: 0 };
      await fc.assert(
        fc.asyncProperty(generatedBuild, async (build) => {
          const theirs = await buildkit.ask(question(build));
          const ours = await resolve(build);
          expect(disagreement(ours, theirs)).toBeUndefined();
          if (theirs.frontend !== undefined) seen.frontends++;
          else if (theirs.error !== undefined) seen.refused++;
          else seen.resolved++;
        }),
        { numRuns: Number(process.env['PLINTH_DOCKERFILES'] ?? 3000) },
      );
      // A generator that makes nothing but nonsense would prove nothing.
      expect(seen.resolved).toBeGreaterThan(seen.refused / 2);
      expect(seen.frontends).toBeGreaterThan(0);
    }, 600_000);
  });
} else {
  it('is compared with BuildKit itself only where Go is on PATH, which builds its frontend', () => {
    process.stdout.write('Go is not on PATH: Dockerfiles are not compared with what BuildKit makes of them.\n');
    expect(canAskBuildKit()).toBe(false);
  });
}
