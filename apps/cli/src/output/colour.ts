import { styleText } from 'node:util';
import type { Sink } from '../io.js';

/** Whether to colour what goes to `sink`: no-color.org, and what gh does. */
export const wantsColour = (sink: Sink, env: Readonly<Record<string, string | undefined>>, flag = true): boolean => {
  if (!flag || env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true;
  return sink.isTTY === true && env['TERM'] !== 'dumb';
};

type Style = Parameters<typeof styleText>[0];
const style = (format: Style, text: string): string => styleText(format, text, { validateStream: false });

const styles: Readonly<Record<string, Style>> = {
  Succeeded: 'green',
  Fresh: 'green',
  Enabled: 'green',
  ok: 'green',
  Running: 'cyan',
  Started: 'cyan',
  Behind: 'yellow',
  Stale: 'yellow',
  Queued: 'yellow',
  Unbuilt: 'yellow',
  Unknown: 'yellow',
  Canceled: 'yellow',
  Waiting: 'yellow',
  Blocked: 'red',
  Failed: 'red',
  Error: 'red',
  Timeout: 'red',
  problem: 'red',
  warning: 'yellow',
  Disabled: 'gray',
};

/** Colours a status word by what it means. */
export const statusColour = (text: string): string => (styles[text] === undefined ? text : style(styles[text], text));
export const dim = (text: string): string => style('gray', text);
export const bold = (text: string): string => style('bold', text);
