import type { Command } from 'commander';
import type { Session } from './session.js';

/**
 * One command: its arguments and options in commander's words, and what it does. The name of a placeholder says what
 * stands there (`<task>`, `<run>`, `<image>` …): shells complete it with names from the server.
 */
export interface CommandDefinition<O extends object = object, A extends unknown[] = unknown[]> {
  /** Adds arguments, options and examples; summary and common options are added around it. */
  readonly describe?: (command: Command) => unknown;
  /** Types or aggregates of events that may change what it prints: it can be watched. */
  readonly watches?: string;
  /**
   * @returns the exit code; 0 when it answers nothing
   * @throws PlinthError, CliError or ConnectionError, which become a message and their exit code
   */
  readonly run: (session: Session, options: O, ...args: A) => Promise<number | void>;
}

export const command = <O extends object = object, A extends unknown[] = []>(
  definition: CommandDefinition<O, A>,
): CommandDefinition<O, A> => definition;

/** A line of the list of commands. The module is loaded when the command is called. */
export interface CommandEntry {
  /** `task create`: noun and verb. */
  readonly path: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly default: AnyCommand }>;
  /** Left out of help. */
  readonly hidden?: boolean;
}
// Options and arguments are what `describe` makes them: commander knows no more of their types than we say.
export type AnyCommand = CommandDefinition<never, never>;

export const entry = (
  path: string,
  summary: string,
  load: CommandEntry['load'],
  more: Pick<CommandEntry, 'hidden'> = {},
): CommandEntry => ({ path, summary, load, ...more });
