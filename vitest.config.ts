import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/**
 * `unit` is pure code beside its source; `int` talks to real servers on free loopback ports;
 * `journey` (test/) starts whole services. Each is a project, so that one can be run alone:
 * `npx vitest run --project unit`.
 */
const ssr = { resolve: { conditions: ['source', ...defaultServerConditions] } };

export default defineConfig({
  ssr,
  test: {
    projects: [
      {
        ssr,
        test: {
          name: 'unit',
          // Pure code has no state to keep apart, and most of the time went into loading it anew for each file.
          isolate: false,
          include: ['{apps,libs}/*/src/**/*.spec.ts', 'test/unit/**/*.spec.ts'],
          exclude: ['**/*.int.spec.ts'],
          // Properties run thousands of cases; how long that takes is the machine's affair.
          testTimeout: 60_000,
        },
      },
      {
        ssr,
        test: {
          name: 'int',
          include: ['{apps,libs}/*/src/**/*.int.spec.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        ssr,
        test: {
          name: 'journey',
          include: ['test/journeys/**/*.spec.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // Whole services and real builds, which mostly wait: two at a time, whatever the machine has.
          maxWorkers: 2,
        },
      },
    ],
  },
});
