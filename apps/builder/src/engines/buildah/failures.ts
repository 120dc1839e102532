import { failed, ours, type Diagnosis, type Rule } from '../diagnosis.js';

/** Buildah's words, the most specific first. */
const rules: readonly Rule[] = [
  [
    /building at STEP "RUN ([\s\S]*)": while running runtime: exit status (\d+)/,
    ([, command, code]) => failed('STEP_FAILED', `The command "${command}" ended with exit code ${code}.`),
  ],
  [
    /building at STEP "(?:COPY|ADD) [\s\S]*"\/?([^"]*)": no such file or directory/,
    ([, file]) => failed('CONTEXT_FILE_NOT_FOUND', `The file /${file} is not in the context.`),
  ],
  [
    /no items matching glob "([^"]*)" copied/,
    ([, file]) => failed('CONTEXT_FILE_NOT_FOUND', `No file of the context matches ${file}.`),
  ],
  [
    /The target "([^"]*)" was not found/,
    ([, name]) => failed('TARGET_NOT_FOUND', `The Dockerfile has no stage named "${name}".`),
  ],
  [
    /Unknown instruction: "([^"]*)"/,
    ([, name]) => failed('DOCKERFILE_INVALID', `The Dockerfile has an unknown instruction: ${name}.`),
  ],
  [
    /(?:Running image )?docker:\/\/(\S+) is rejected by policy/,
    ([, name]) =>
      failed('BASE_NOT_PINNED', `The build uses the image ${name}, for which no digest was resolved before.`),
  ],
  [/no space left on device/, ([words]) => ours('DISK_FULL', `The engine's disk is full: ${words}`)],
  [
    /(?:pinging container registry|initializing source|reading manifest|reading blob)[^\n]*(?:connection refused|i\/o timeout|no such host|TLS handshake|x509|server gave HTTP response|EOF|connection reset|StatusCode: 5\d\d|toomanyrequests|429|50\d )[^\n]*/,
    ([words]) => ours('REGISTRY_UNAVAILABLE', `A registry did not answer as it should: ${words}`),
  ],
  [
    /[^\n]*(?:unauthorized|authentication required|denied: requested access|403 \(Forbidden\))[^\n]*/,
    ([words]) => failed('BASE_ACCESS_DENIED', `A base image may not be read with the credentials given: ${words}`),
  ],
  [
    /(?:initializing source docker:\/\/|reading manifest \S+ in )(\S+?):? [^\n]*(?:manifest unknown|name unknown|not found)/,
    ([, name]) => failed('BASE_NOT_FOUND', `The base image ${name?.replace(/:$/, '')} does not exist.`),
  ],
  [
    /(?:dockerfile parse error|parsing main Dockerfile|Syntax error|no FROM statement found|unknown flag)[^\n]*/i,
    ([words]) => failed('DOCKERFILE_INVALID', words),
  ],
  [
    /(?:lstat|stat|open) ([^:\n]*(?:Dockerfile|Containerfile)[^:\n]*): no such file or directory/,
    ([, file]) => failed('DOCKERFILE_NOT_FOUND', `The Dockerfile ${file} is not in the context.`),
  ],
];

/** Says in words whose fault an unsuccessful `buildah build` was, from its `Error:` line. */
export function diagnose(stderr: string): Diagnosis {
  const start = stderr.lastIndexOf('Error: ');
  // buildah names every failure of a build; without that, it was killed.
  if (start === -1) return ours('ENGINE_FAILED', `buildah ended without naming an error. ${stderr.slice(-500)}`.trim());
  const error = stderr.slice(start);
  for (const [pattern, found] of rules) {
    const match = pattern.exec(error);
    if (match !== null) return found(match);
  }
  return failed('BUILD_FAILED', error.replace(/^Error: /, '').trim());
}
