import { DockerfileError, quote } from '../errors.js';
import type { State } from './states.js';

/**
 * Refuses stages that copy from or mount each other in a circle, itself included, anywhere in the file.
 * BuildKit: convert.go, validateCircularDependency. Without recursion: a hostile chain may be very long.
 * @throws DockerfileError CIRCULAR_STAGES
 */
export function checkCircles(states: readonly State[]): void {
  const finished = new Set<State>();
  const onPath = new Set<State>();
  for (const root of states) {
    if (finished.has(root)) continue;
    const path = [visit(root)];
    onPath.add(root);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const { value: edge, done } = top.edges.next();
      if (done) {
        path.pop();
        onPath.delete(top.state);
        finished.add(top.state);
      } else if (onPath.has(edge.state)) {
        throw circle([...onPath], edge.state, edge.line);
      } else if (!finished.has(edge.state)) {
        onPath.add(edge.state);
        path.push(visit(edge.state));
      }
    }
  }
}

interface Edge {
  readonly state: State;
  readonly line: number;
}

function visit(state: State): { state: State; edges: Iterator<Edge, undefined> } {
  return { state, edges: edgesOf(state) };
}

function* edgesOf(state: State): Generator<Edge, undefined> {
  for (const { command, uses } of state.commands)
    for (const use of uses) yield { state: use.state, line: command.line };
  return undefined;
}

function circle(path: readonly State[], closing: State, line: number): DockerfileError {
  const names = [...path.slice(path.indexOf(closing)), closing].map(label);
  const shown = names.length > 8 ? [...names.slice(0, 7), '…', names.at(-1)] : names;
  return new DockerfileError(
    'CIRCULAR_STAGES',
    line,
    `stages use each other in a circle: ${shown.join(' → ')}; a stage can only use earlier ones`,
  );
}

/** How a stage is called in messages. */
export function label({ stage, baseName }: State): string {
  return stage ? stage.name || `stage ${stage.index}` : quote(baseName);
}

/**
 * Refuses a stage that copies from or mounts a stage which is defined later. Only where the build would come to it:
 * BuildKit finds this when it dispatches the reachable stages in order. A trigger may copy from the very stage that runs
 * it, and gets what that is so far: circles are looked for before there are triggers.
 * @throws DockerfileError STAGE_NOT_YET_DEFINED
 */
export function checkOrder(states: readonly State[], reachable: ReadonlySet<State>): void {
  const ready = new Set<State>();
  for (const state of states) if (!state.stage || state.replacement) ready.add(state);
  for (const state of states) {
    if (!reachable.has(state) || ready.has(state)) continue;
    ready.add(state);
    for (const { command, uses } of state.commands) {
      for (const { state: used, role, hollow } of uses) {
        if (hollow || ready.has(used)) continue;
        throw new DockerfileError(
          'STAGE_NOT_YET_DEFINED',
          command.line,
          `${label(state)} ${role === 'copy' ? 'copies from' : 'mounts'} ${label(used)}, which is defined later; move it up`,
        );
      }
    }
  }
}
