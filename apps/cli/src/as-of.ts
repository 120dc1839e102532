import { Option } from 'commander';
import { matching } from './parsers.js';

/** The option of questions that can be asked of the past. */
export const asOfOption = (): Option =>
  new Option(
    '--as-of <moment>',
    'as it was at a position of the log, or at a time such as 2026-11-23T14:00:00Z',
  ).argParser(
    matching(
      /^(?:\d{1,15}|\d{4}-\d{2}-\d{2}T[\d:.]{5,15}(?:Z|[+-]\d{2}:\d{2}))$/,
      'a position of the log such as 4711, or a time such as 2026-11-23T14:00:00Z',
    ),
  );

export interface AsOf {
  readonly asOf?: string;
}

/** What a question is given of it: nothing, where now is meant. */
export const momentOf = ({ asOf }: AsOf): AsOf => (asOf === undefined ? {} : { asOf });
