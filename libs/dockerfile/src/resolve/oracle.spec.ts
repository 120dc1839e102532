import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveDockerfile } from '../index.js';

/**
 * A Dockerfile as a list of stages, and what it uses found by brute force: every list of "can be reached in n steps" is
 * written out, nothing is shared with the code.
 */
interface Plan {
  readonly name: string | undefined;
  /** The number of an earlier stage with a name, or an image. */
  readonly from: number | string;
  readonly steps: readonly Step[];
}

type Step =
  | { readonly kind: 'copy' | 'mount'; readonly of: number | string; readonly byNumber: boolean }
  | { readonly kind: 'noise'; readonly text: string };

const IMAGES = ['node:22', 'alpine', 'ghcr.io/a/b:1', 'localhost:5000/x', 'quay.io/c/d'] as const;
const CANONICAL: Record<string, string> = {
  'node:22': 'docker.io/library/node:22',
  alpine: 'docker.io/library/alpine:latest',
  'ghcr.io/a/b:1': 'ghcr.io/a/b:1',
  'localhost:5000/x': 'localhost:5000/x:latest',
  'quay.io/c/d': 'quay.io/c/d:latest',
};
const NOISE = [
  'RUN <<EOF\nFROM nginx AS s0\nCOPY --from=nginx / /\nEOF',
  'COPY <<"END ." /x\nFROM nginx\nEND .',
  'RUN <<-A 3<<B cat\nFROM nginx\n\tA\nFROM nginx\nB',
  'RUN echo \\\n# FROM nginx\n\n  done',
  '# FROM nginx\nENV FROM=nginx',
  'RUN echo "<<EOF"',
  'LABEL from="COPY --from=nginx"',
];

const plans = fc.integer({ min: 1, max: 7 }).chain((count) =>
  fc.tuple(
    ...Array.from({ length: count }, (_, index) => {
      const thing = index === 0 ? fc.constantFrom(...IMAGES) : fc.oneof(fc.constantFrom(...IMAGES), fc.nat(index - 1));
      return fc.record({
        name: fc.option(fc.constant(`s${index}`), { nil: undefined }),
        from: thing,
        steps: fc.array(
          fc.oneof(
            fc.record({ kind: fc.constantFrom('copy' as const, 'mount' as const), of: thing, byNumber: fc.boolean() }),
            fc.constantFrom(...NOISE).map((text) => ({ kind: 'noise' as const, text })),
          ),
          { maxLength: 4 },
        ),
      });
    }),
  ),
);

/** A stage without a name can be copied from by number only; whatever else names it becomes an image instead. */
function settle(raw: readonly Plan[]): Plan[] {
  const named = (of: number | string) => typeof of === 'string' || raw[of]?.name !== undefined;
  return raw.map((plan) => ({
    ...plan,
    from: named(plan.from) ? plan.from : 'alpine',
    steps: plan.steps.map((step) =>
      step.kind === 'noise' || named(step.of) || (step.kind === 'copy' && step.byNumber)
        ? step
        : { ...step, of: 'alpine' },
    ),
  }));
}

function write(stages: readonly Plan[]): string {
  const call = (of: number | string, upper: boolean) => {
    const text = typeof of === 'string' ? of : `s${of}`;
    return upper && typeof of === 'number' ? text.toUpperCase() : text;
  };
  return stages
    .map(({ name, from, steps }) =>
      [
        `FROM ${call(from, false)}${name ? ` AS ${name.toUpperCase()}` : ''}`,
        ...steps.map((step) => {
          if (step.kind === 'noise') return step.text;
          if (step.kind === 'mount') return `RUN --mount=type=bind,from=${call(step.of, true)},target=/m true`;
          return `COPY --from=${step.byNumber && typeof step.of === 'number' ? step.of : call(step.of, true)} / /`;
        }),
      ].join('\n'),
    )
    .join('\n');
}

function bruteForce(stages: readonly Plan[], target: number): Set<string> {
  const needs = (stage: number): (number | string)[] => [
    stages[stage]!.from,
    ...stages[stage]!.steps.flatMap((step) => (step.kind === 'noise' ? [] : [step.of])),
  ];
  let reached = [target];
  for (let step = 0; step < stages.length; step++) {
    reached = [...new Set([...reached, ...reached.flatMap(needs).filter((need) => typeof need === 'number')])];
  }
  let foot = target;
  for (let from = stages[foot]!.from; typeof from === 'number'; from = stages[foot]!.from) foot = from;
  const found = new Set<string>();
  for (const index of reached) {
    const { from, steps } = stages[index]!;
    if (typeof from === 'string') found.add(`${index === foot ? 'base' : 'build'} ${CANONICAL[from]}`);
    for (const step of steps) {
      if (step.kind !== 'noise' && typeof step.of === 'string') found.add(`${step.kind} ${CANONICAL[step.of]}`);
    }
  }
  return found;
}

describe('for any multi-stage Dockerfile', () => {
  it('the images are those that brute force finds, for every target', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat(), async (raw, pick) => {
        const stages = settle(raw);
        const target = pick % stages.length;
        const name = stages[target]!.name;
        const built = name === undefined ? stages.length - 1 : target;
        const { images } = await resolveDockerfile(write(stages), name === undefined ? {} : { target: name });
        expect(new Set(images.map(({ role, reference }) => `${role} ${reference}`))).toEqual(bruteForce(stages, built));
      }),
      { numRuns: 300 },
    );
  });

  it('each entry stands once, and its line holds what is written', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (raw) => {
        const file = write(settle(raw));
        const { images } = await resolveDockerfile(file);
        const keys = images.map(({ reference, role, via, stage }) => [reference, role, via, stage].join(' '));
        expect(new Set(keys).size).toBe(keys.length);
        const lines = file.split('\n');
        for (const { line, written } of images) expect(lines[line - 1]).toContain(written);
      }),
    );
  });

  it('lines of a heredoc change nothing, whatever they say', async () => {
    const body = fc.array(
      fc.oneof(fc.constantFrom('FROM x', 'COPY --from=y / /', '# syntax=z', '\\', 'RUN <<E', 'ENDE'), fc.string()),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(body, async (lines) => {
        fc.pre(!lines.some((line) => line.split('\n').some((part) => part.replace(/\r+$/, '') === 'END')));
        const { images } = await resolveDockerfile(`FROM a\nRUN <<END\n${lines.join('\n')}\nEND\nCOPY --from=b / /`);
        expect(images.map(({ reference }) => reference)).toEqual([
          'docker.io/library/a:latest',
          'docker.io/library/b:latest',
        ]);
      }),
    );
  });
});
