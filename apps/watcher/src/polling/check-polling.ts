import { problem, type DiagnosticChecks } from '#libs/service';
import type { HubTags } from './hub-tags.js';
import type { Poller } from './poller.js';

/** Registers the look at how polling goes: is a registry left alone, do looks spend a quota. */
export const checkPolling = (checks: DiagnosticChecks, poller: Pick<Poller, 'polled' | 'view'>): void =>
  checks.register('polling', 'each polled registry: whether it is left alone now, or counts looks as pulls', () =>
    Promise.resolve(
      [...poller.polled()].flatMap((host) => {
        const { looksCount, pausedUntil, failures, lastError } = poller.view(host);
        const show = `look at it with: plinth registry show ${host}`;
        return [
          ...(looksCount
            ? [
                problem(
                  'LOOKS_SPEND_QUOTA',
                  `${host} seems to count looks as pulls: its quota falls though only HEAD is asked. It is asked as slowly as half of the rest allows.`,
                  `${show}; a login with a larger quota, a mirror, or notifications help`,
                ),
              ]
            : []),
          ...(pausedUntil !== null && failures >= 3
            ? [
                problem(
                  'REGISTRY_LEFT_ALONE',
                  `${host} failed or refused ${failures} times in a row and is left alone until ${new Date(pausedUntil).toISOString()}: ${lastError?.message ?? 'no reason was given'}`,
                  show,
                ),
              ]
            : []),
        ];
      }),
    ),
  );

/** Registers the look at whether lists of tags at Docker Hub can be read. */
export const checkHub = (checks: DiagnosticChecks, hub: Pick<HubTags, 'view'>): void =>
  checks.register('docker-hub', 'whether lists of tags at Docker Hub can be read, where many tags are watched', () => {
    const { pausedUntil, lastError } = hub.view();
    if (pausedUntil === null || !lastError) return Promise.resolve([]);
    const words = `Lists of tags at Docker Hub cannot be read; tags are looked at one by one: ${lastError.message}`;
    return Promise.resolve([
      problem('HUB_TAGS_UNREADABLE', words, 'permit the address, or set PLINTH_DOCKER_HUB_API=off'),
    ]);
  });
