import type { RegistryClient } from '#libs/oci';
import { problem, type DiagnosticChecks } from '#libs/service';

/** Longest that one registry may take to answer. */
const patienceMs = 5000;

/** Registers the look at every registry that was made known: is it there, does it take our login. */
export const checkRegistries = (
  checks: DiagnosticChecks,
  {
    registries,
  }: {
    readonly registries: { readonly client: Pick<RegistryClient, 'ping'>; all(): Iterable<{ readonly host: string }> };
  },
): void =>
  checks.register('registries', 'each known registry: whether it answers, and takes our login', async () => {
    const answers = await Promise.all(
      [...registries.all()].map(async ({ host }) => {
        try {
          const { ok, message } = await registries.client.ping(host, { signal: AbortSignal.timeout(patienceMs) });
          return ok ? undefined : { host, message };
        } catch (error) {
          if ((error as Error).name !== 'TimeoutError') throw error;
          return { host, message: `${host} has not answered within ${patienceMs / 1000} s.` };
        }
      }),
    );
    return answers.flatMap((found) =>
      found ? [problem('REGISTRY_UNUSABLE', found.message, `look at it with: plinth registry test ${found.host}`)] : [],
    );
  });
