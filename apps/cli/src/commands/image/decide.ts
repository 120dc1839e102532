import { Argument, type Command } from 'commander';
import type { CallInput, ImageView, OperationName } from '#libs/contracts';
import { nonEmpty } from '../../parsers.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';
import type { Session } from '../../session.js';
import { imageFields } from '../../views/image.js';

/** What a person decides of an image, and says why. */
export interface DecisionOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
}

export const addDecisionOptions = (command: Command): Command =>
  command
    .addArgument(new Argument('<image>', 'its reference, in any spelling').argParser(nonEmpty))
    .requiredOption('--reason <text>', 'why; it is recorded with your name', nonEmpty)
    .option(...sendsNothing);

type DecisionName = Extract<OperationName, 'holdImage' | 'releaseImage' | 'pinImage' | 'unpinImage' | 'rollbackImage'>;

/** Sends it, and shows what the image is then. */
export const decide = async <N extends DecisionName>(
  session: Session,
  name: N,
  input: CallInput<N>,
  { dryRun: only }: DecisionOptions,
): Promise<void> => {
  if (only) return dryRun(session, name, input);
  const client = await session.client();
  const image = await (client[name] as (input: CallInput<N>) => Promise<ImageView>)(input);
  await session.printer.show({ item: image, name: image.reference, fields: imageFields(image) });
};
