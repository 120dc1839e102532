/** One challenge of a WWW-Authenticate header. `scheme` is lower case; parameter values are exactly as sent. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads every challenge of one or many WWW-Authenticate headers (RFC 9110 §11.6.1): several in one header, quoted
 * strings with commas and escapes, token68. Parameter names are lower-cased, values never: realms and scopes are
 * case-sensitive. Unreadable remains end the header; what was read before them counts.
 */
export function parseChallenges(headers: string | readonly string[] | undefined): Challenge[] {
  if (headers === undefined) return [];
  return (typeof headers === 'string' ? [headers] : headers).flatMap(parseHeader);
}

const SPACE = /[ \t]*/y;
const SEPARATOR = /[ \t,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
/** Some registries leave values unquoted that are no tokens, such as URLs. */
const BARE = /[^\s,"]+/y;

function parseHeader(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };

  while (at < header.length) {
    take(SEPARATOR);
    const word = take(TOKEN)?.[0];
    if (word === undefined) break;
    const afterWord = at;
    take(SPACE);
    const current = challenges.at(-1);
    if (current && header[at] === '=') {
      at++;
      take(SPACE);
      const value = take(QUOTED)?.[1]?.replace(/\\(.)/g, '$1') ?? take(BARE)?.[0] ?? '';
      const name = word.toLowerCase();
      if (!current.parameters.has(name)) current.parameters.set(name, value);
      continue;
    }
    challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
    // `Negotiate dG9rZW4=`: a credential of its own shape, not parameters.
    if (at > afterWord) take(TOKEN68);
  }
  return challenges;
}
