import { usageError } from '../errors.js';
import { plural } from '../output/words.js';
import type { Session } from '../session.js';
import { packContext } from './pack.js';

const taskFile = /\.(ya?ml|toml|json|sh|bash|zsh|ps1?|cmd|bat|ts|js|php|py|rb|lua)$/i;

export interface Source {
  readonly contextPath: string;
  readonly dockerFilePath: string;
}

/** A context that the server fetches itself. */
const isRemote = (context: string): boolean => /^(https?|git|ssh|oci|context):\/\/|^git@|^github\.com\//.test(context);

/**
 * Where a build takes its files from: a URL as it is, or a folder, which is packed and uploaded.
 *
 * @throws CliError (usage) for what cannot be a context
 */
export const sourceOf = async (
  session: Session,
  context: string,
  file: string | undefined,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<Source> => {
  if (file !== undefined && taskFile.test(file)) {
    throw usageError(
      `--file ${file}: Plinth builds Dockerfiles; it does not run multi-step tasks.`,
      'name a Dockerfile',
    );
  }
  if (context === '/dev/null') {
    throw usageError(
      '--context /dev/null is for multi-step tasks, which Plinth does not run.',
      'name a folder or a git URL',
    );
  }
  if (file === '-' || context === '-') throw usageError('Nothing is read from stdin here.', 'name a folder and a file');
  if (isRemote(context)) return { contextPath: context, dockerFilePath: file ?? 'Dockerfile' };
  const { body, dockerFilePath, files, bytes } = await packContext(context, file ?? 'Dockerfile', session.io.cwd);
  if (dryRun) {
    body.destroy();
    return { contextPath: `context://sha256:${'0'.repeat(64)}`, dockerFilePath };
  }
  session.printer.progress(`Packing ${plural(files, 'file')}, ${(bytes / 1e6).toFixed(1)} MB.`);
  const plinth = await session.client();
  const uploaded = await plinth.uploadContext({}, body, { contentType: 'application/gzip' });
  session.printer.progress(`Uploaded ${(uploaded.bytes / 1e6).toFixed(1)} MB.`);
  return { contextPath: uploaded.contextPath, dockerFilePath };
};
