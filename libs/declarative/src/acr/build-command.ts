/** What the arguments of a `build` step say, as `docker build` reads them. */
export interface BuildCommand {
  readonly images: readonly string[];
  readonly file: string;
  readonly target: string | undefined;
  readonly arguments: readonly { readonly name: string; readonly value: string }[];
  readonly noCache: boolean;
  readonly context: string;
}

/** Words of a command line, with quotes as a shell takes them. */
const wordsOf = (text: string): string[] =>
  [...text.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));

const aliases: Readonly<Record<string, string>> = {
  '-t': '--tag',
  '--image': '--tag',
  '-f': '--file',
};

/** @throws Error that says which part is not understood */
export const parseBuildCommand = (text: string): BuildCommand => {
  const images: string[] = [];
  const args: { name: string; value: string }[] = [];
  const contexts: string[] = [];
  let file = 'Dockerfile';
  let target: string | undefined;
  let noCache = false;
  // `{{ .Run.ID }}` is one word, however it is written.
  const words = wordsOf(text.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, '{{$1}}'));
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (!word.startsWith('-')) {
      contexts.push(word);
      continue;
    }
    const [given, inline] = word.startsWith('--') && word.includes('=') ? splitAt(word, '=') : [word, undefined];
    const option = aliases[given] ?? given;
    if (option === '--no-cache') {
      noCache = true;
      continue;
    }
    const value = inline ?? words[++at];
    if (value === undefined) throw new Error(`${given} has no value`);
    if (option === '--tag') images.push(value);
    else if (option === '--file') file = value;
    else if (option === '--target') target = value;
    else if (option === '--build-arg') {
      const [name, argument] = splitAt(value, '=');
      args.push({ name, value: argument ?? '' });
    } else throw new Error(`${given} has no counterpart`);
  }
  const [context, ...more] = contexts;
  if (context === undefined || more.length > 0) throw new Error(`one context is expected, found ${contexts.length}`);
  return { images, file, target, arguments: args, noCache, context };
};

const splitAt = (text: string, separator: string): [string, string | undefined] => {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
};
