import { failed, ours, type Diagnosis, type Rule } from '../diagnosis.js';

/** Said by the check and by a build. */
export const withoutContainerdStore =
  'The Docker daemon does not keep images in containerd, without which it cannot hand out a built image: ' +
  'set {"features": {"containerd-snapshotter": true}} in its daemon.json and restart it.';

/** BuildKit's words, the most specific first: a command's own text may contain any of the others. */
const rules: readonly Rule[] = [
  [
    /process "([\s\S]*)" did not complete successfully: exit code: (\d+)/,
    ([, command, code]) => failed('STEP_FAILED', `The command "${plain(command)}" ended with exit code ${code}.`),
  ],
  [
    /failed to read dockerfile: open ([^:]*): no such file or directory/,
    ([, file]) => failed('DOCKERFILE_NOT_FOUND', `The Dockerfile ${file} is not in the context.`),
  ],
  [
    /target stage "?([^"\s]*)"? could not be found/,
    ([, name]) => failed('TARGET_NOT_FOUND', `The Dockerfile has no stage named "${name}".`),
  ],
  [
    /source "docker-image:\/\/([^"]*)" (?:denied|not allowed) by policy/,
    ([, name]) =>
      failed('BASE_NOT_PINNED', `The build uses the image ${name}, for which no digest was resolved before.`),
  ],
  [
    /(dockerfile parse error[^\n]*|unknown instruction[^\n]*|failed to (?:create LLB definition|parse)[^\n]*|no build stage in current context[^\n]*)/,
    ([, words]) => failed('DOCKERFILE_INVALID', `${words}`),
  ],
  [
    /failed to calculate checksum of ref [^"]*"([^"]*)": not found/,
    ([, file]) => failed('CONTEXT_FILE_NOT_FOUND', `The file ${file} is not in the context.`),
  ],
  [
    /OCI exporter (?:feature )?is (?:currently )?not (?:currently )?supported for (?:the )?docker driver/,
    () => ours('ENGINE_UNAVAILABLE', withoutContainerdStore),
  ],
  [/no space left on device/, ([words]) => ours('DISK_FULL', `The engine's disk is full: ${words}`)],
  [
    /(?:failed to resolve source metadata for|failed to copy:|failed to fetch) ?([^:\s]*[^\s]*?): .*(?:connection refused|i\/o timeout|no such host|TLS handshake|x509|server gave HTTP response|EOF|connection reset|(?:429|50\d) )/,
    ([words]) => ours('REGISTRY_UNAVAILABLE', `A registry did not answer as it should: ${words}`),
  ],
  [
    /(?:failed to resolve source metadata for |)([^\s"]+): (?:[^\n]*: )?(?:401 Unauthorized|403 Forbidden|authorization failed|insufficient_scope[^\n]*|failed to authorize[^\n]*)/,
    ([words]) => failed('BASE_ACCESS_DENIED', `A base image may not be read with the credentials given: ${words}`),
  ],
  [
    /failed to resolve source metadata for ([^\s"]+): [^\n]*(?:not found|does not exist|manifest unknown)/,
    ([, name]) => failed('BASE_NOT_FOUND', `The base image ${name} does not exist.`),
  ],
  [
    /Cannot connect to the Docker daemon|error reading from server|transport is closing|connection error|closing transport|no such file or directory.*(?:docker|buildkitd)\.sock|failed to list workers|rpc error: code = Unavailable/,
    ([words]) => ours('ENGINE_UNAVAILABLE', `The daemon is gone: ${words}`),
  ],
];

/**
 * Says in words whose fault an unsuccessful build was, from what the client printed beside its progress.
 * @param client its name: `docker-buildx` or `buildctl`
 */
export function diagnose(words: string, client: string): Diagnosis {
  const [start] = [...words.matchAll(/^(?:ERROR|error): /gm)].slice(-1);
  // Both clients name every failure of a build; without that, it was killed or could not use its arguments.
  if (!start) return ours('ENGINE_FAILED', `${client} ended without naming an error. ${words.slice(-500)}`.trim());
  const error = words.slice(start.index);
  for (const [pattern, found] of rules) {
    const match = pattern.exec(error);
    if (match !== null) return found(match);
  }
  return failed('BUILD_FAILED', error.replace(/^(?:ERROR|error): (?:failed to solve: )?/, '').trim());
}

const plain = (command = '') => command.replace(/^\/bin\/sh -c /, '');
