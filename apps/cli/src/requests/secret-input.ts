import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { usageError } from '../errors.js';
import type { Session } from '../session.js';

const most = 65_536;

const checked = (text: string, from: string): string => {
  if (text === '') throw usageError(`${from} is empty.`);
  if (Buffer.byteLength(text) > most) throw usageError(`${from} is larger than ${most} bytes.`);
  return text;
};

/** Asks at a terminal; what is typed is not shown. */
const typed = async ({ io }: Session, what: string): Promise<string> => {
  io.stderr.write(`${what}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const asking = createInterface({ input: io.stdin, output: silent, terminal: true });
  try {
    return await asking.question('', { signal: io.interrupted });
  } finally {
    asking.close();
    io.stderr.write('\n');
  }
};

/**
 * A secret from a file, from stdin, or typed at a terminal: never from the command line, which everybody on the machine
 * can read. One line end behind it is no part of it.
 *
 * @throws CliError (usage) for a file that cannot be read, or that is empty or too large
 */
export const readSecret = async (session: Session, file: string | undefined, what: string): Promise<string> => {
  const { io } = session;
  if (file !== undefined && file !== '-') {
    try {
      return checked((await readFile(resolve(io.cwd, file), 'utf8')).replace(/\r?\n$/, ''), file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw usageError(`${file} cannot be read (${code}).`);
    }
  }
  if (io.stdin.isTTY === true) return checked(await typed(session, what), what);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > most + 2) throw usageError(`${what} on stdin is larger than ${most} bytes.`);
    chunks.push(bytes);
  }
  return checked(
    Buffer.concat(chunks)
      .toString('utf8')
      .replace(/\r?\n$/, ''),
    `${what} on stdin`,
  );
};
