/**
 * Every command of `npm run …` in one place.
 *
 * `main` is what runs (a compiled program, or a script); `tools` are the groups of scripts/lib/tools/recipe.mjs that it
 * needs, `wants` those without which it still works, with less; `compile: false` leaves compiling to the command itself.
 */
export const commands = {
  start: { main: 'dist/apps/standalone/src/main.js', tools: ['log'], wants: ['docker', 'git'] },
  'start:watcher': { main: 'dist/apps/watcher/src/main.js' },
  'start:graph': { main: 'dist/apps/graph/src/main.js' },
  'start:scheduler': { main: 'dist/apps/scheduler/src/main.js' },
  'start:builder': { main: 'dist/apps/builder/src/main.js', wants: ['docker', 'git'] },
  cli: { main: 'dist/apps/cli/src/main.js' },
  demo: { main: 'dist/test/demo/main.js', tools: ['log', 'registry', 'docker'], wants: ['git'] },
  bench: { main: 'dist/test/bench/main.js', tools: ['log', 'registry', 'docker'], wants: ['git', 'buildkit'] },
  test: {
    main: 'scripts/test.mjs',
    tools: ['log', 'registry', 'docker', 'deploy', 'terminal'],
    wants: ['git', 'buildkit'],
    compile: false,
  },
  generate: { main: 'dist/libs/contracts/src/generate/main.js' },
  build: {},
  lint: { main: 'node_modules/oxlint/bin/oxlint', args: ['--type-aware'], compile: false },
  format: { main: 'node_modules/prettier/bin/prettier.cjs', args: ['--write', '.'], compile: false },
};
