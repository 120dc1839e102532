import { Argument, type Command } from 'commander';
import { usageError } from '../../errors.js';
import { taskName } from '../../parsers.js';

export interface Named {
  readonly name?: string;
}

/** A task is named as az does, by `-n`, or simply behind the verb. */
export const named = (command: Command): Command =>
  command
    .addArgument(new Argument('[task]', 'name of the task').argParser(taskName))
    .option('-n, --name <task>', 'name of the task', taskName);

/** @throws CliError (usage) when no task, or two different ones, are named */
export const nameOf = ({ name }: Named, argument: string | undefined): string => {
  if (name !== undefined && argument !== undefined && name !== argument) {
    throw usageError(`Two tasks are named: ${argument} and ${name}.`, 'name one of them');
  }
  const found = name ?? argument;
  if (found === undefined) throw usageError('A task must be named.', 'add --name TASK');
  return found;
};
