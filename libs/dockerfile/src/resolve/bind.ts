import { DockerfileError } from '../errors.js';
import type { Budget } from '../expand/index.js';
import type { Command } from '../syntax/commands.js';
import { variableInFrom } from '../syntax/commands.js';
import { expandAt } from './args.js';
import type { BoundCommand, State, States, Use } from './states.js';
import { SCRATCH } from './states.js';

export interface Binding {
  readonly states: States;
  readonly escape: string;
  readonly budget: Budget;
}

const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

/**
 * Finds what COPY --from and RUN --mount=from mean: a stage, by number (COPY alone) or by name in any case, else an
 * image, which becomes a state of its own. BuildKit: convert.go, toCommand; convert_runmount.go, detectRunMount.
 * @throws DockerfileError VARIABLE_IN_FROM, UNKNOWN_STAGE_INDEX, INVALID_EXPANSION
 */
export function bind(command: Command, binding: Binding, triggered: boolean): BoundCommand {
  return { command, uses: usesOf(command, binding), triggered };
}

function usesOf(command: Command, { states, escape, budget }: Binding): Use[] {
  const { line } = command;
  switch (command.kind) {
    case 'copy': {
      const { from } = command;
      if (expandAt(line, from, NO_VARIABLES, escape, budget).word !== from) {
        throw variableInFrom(line, `COPY --from=${from}`);
      }
      const index = /^[+-]?[0-9]{1,15}$/.test(from) ? Number(from) : undefined;
      const state = index === undefined ? named(from, line, states) : states.all[index];
      if (!state) {
        throw new DockerfileError(
          'UNKNOWN_STAGE_INDEX',
          line,
          `COPY --from=${from} names a stage that does not exist; stages are numbered from 0`,
        );
      }
      return [{ role: 'copy', written: from, state, hollow: false }];
    }
    case 'run':
      return command.mounts.map(({ from, ignoresFrom }) => ({
        role: 'mount',
        written: from,
        state: named(from || SCRATCH, line, states),
        hollow: from === '' || ignoresFrom,
      }));
    case 'onbuild':
      return [];
  }
}

function named(name: string, line: number, states: States): State {
  const stage = states.find(name);
  if (stage) return stage;
  const image: State = {
    stage: undefined,
    baseName: name,
    line,
    platform: undefined,
    replacement: undefined,
    base: undefined,
    commands: [],
    source: undefined,
  };
  states.add(image);
  return image;
}
