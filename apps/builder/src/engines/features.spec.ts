import { describe, expect, it } from 'vitest';
import { requiredFeatures } from './features.js';

describe('the features that a Dockerfile needs', () => {
  it.each([
    ['RUN <<EOF\necho a\nEOF', ['heredoc']],
    ['COPY <<"EOF" /file\ntext\nEOF', ['heredoc']],
    ['run \\\n  cat <<-X\nX', ['heredoc']],
    ['COPY --chown=1 --link a b', ['copy-link']],
    ['ADD --checksum=sha256:aa https://example.com/x /x', ['add-checksum']],
    ['COPY --parents a/b /', ['copy-parents']],
    ['# RUN <<EOF\nRUN echo $((1 << 2))', []],
    ['RUN echo --link', []],
  ])('%j needs %j', (dockerfile, expected) => {
    expect(requiredFeatures(`FROM scratch\n${dockerfile}\n`)).toEqual(expected);
  });
});
