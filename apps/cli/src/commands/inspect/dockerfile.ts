import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { InvalidArgumentError, type Command } from 'commander';
import type { ImageUse } from '#libs/dockerfile';
import { command } from '../../command.js';
import { usageError } from '../../errors.js';
import type { Column } from '../../output/table.js';
import { familiar } from '../../output/words.js';
import { collect, nonEmpty, platform } from '../../parsers.js';
import { addRegistryOptions, type RegistryOptions } from '../../registry-options.js';
import type { Session } from '../../session.js';

interface Options extends RegistryOptions {
  readonly file: string;
  readonly buildArg?: readonly Pair[];
  readonly target?: string;
  readonly platform?: readonly string[];
  readonly buildContext?: readonly Pair[];
  readonly offline?: boolean;
}

type Pair = readonly [string, string];

const pair =
  (expected: string) =>
  (given: string): Pair => {
    const at = given.indexOf('=');
    if (at < 1) throw new InvalidArgumentError(`expected ${expected}`);
    return [given.slice(0, at), given.slice(at + 1)];
  };

const columns: readonly Column<ImageUse>[] = [
  { title: 'reference', value: ({ reference }) => familiar(reference) },
  { title: 'role', value: ({ role }) => role },
  { title: 'via', value: ({ via }) => via },
  { title: 'stage', value: ({ stage }) => stage },
  { title: 'line', value: ({ line }) => (line === 0 ? '' : line) },
  { title: 'platforms', value: ({ platforms }) => platforms.join(',') },
  { title: 'pinned', value: ({ pinned }) => (pinned ? 'yes' : 'no') },
];

/** @throws CliError (usage) for a file that cannot be read */
const contentOf = async ({ io }: Session, file: string): Promise<string> => {
  if (file === '-') return text(io.stdin);
  const path = resolve(io.cwd, file);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageError(`-f: ${path} cannot be read (${code}).`, 'name a Dockerfile with -f, or - for the standard input');
  }
};

export default command<Options>({
  describe: (inspect: Command) =>
    addRegistryOptions(
      inspect
        .option('-f, --file <file>', 'the Dockerfile; - reads the standard input', 'Dockerfile')
        .option('--build-arg <name=value>', 'value of an ARG (repeatable)', collect(pair('NAME=VALUE')))
        .option('--target <stage>', 'stage to build, instead of the last one', nonEmpty)
        .option('--platform <platform>', 'platform to build for (repeatable)', collect(platform))
        .option(
          '--build-context <name=value>',
          'what stands for an image or stage, as docker buildx takes it (repeatable)',
          collect(pair('NAME=VALUE, such as base=docker-image://alpine:3.20')),
        )
        .option('--offline', 'read no registry: say what ONBUILD triggers of bases leave unknown'),
      'no registry but those of --allow-registry',
    ),

  async run(session, options) {
    const { printer } = session;
    const content = await contentOf(session, options.file);
    // Parsers and the registry client are loaded for those who need them.
    const { inspectDockerfile } = await import('../../inspect-dockerfile.js');
    const { buildArg = [], buildContext = [] } = options;
    const { images, json, unknown } = await inspectDockerfile(session, content, {
      ...options,
      buildArgs: Object.fromEntries(buildArg),
      buildContexts: Object.fromEntries(buildContext),
    });
    if (printer.format === 'table' || printer.format === 'wide' || printer.format === 'name') {
      await printer.list({ items: images, columns, name: ({ reference }) => reference, empty: 'It uses no image.' });
    } else {
      await printer.value(json);
    }
    for (const { message } of unknown) printer.note(`Not known: ${message}`);
  },
});
