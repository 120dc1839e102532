import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { parse } from 'yaml';
import { z } from 'zod';
import { scopes, teamSchema } from '#libs/contracts';
import { ConfigError } from '../../config.js';
import { fieldPath } from '../../validation.js';

/** Public signatures only: with `none` or a shared secret anybody who knows our settings could make tokens. */
export const asymmetric = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));

/** Who can change what comes over the line can make tokens: so https, except on this machine. */
export const isTrustworthy = (url: string): boolean => {
  const parsed = URL.parse(url);
  return parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback(parsed.hostname));
};
const urlSchema = z.string().refine(isTrustworthy, 'expected an https:// URL (http:// on loopback only)');

const wanted = z.string().min(1).max(1024);
const ruleSchema = z
  .strictObject({
    claims: z
      .record(z.string().min(1), z.union([wanted, z.array(wanted).min(1)]))
      .refine((claims) => Object.keys(claims).length > 0, 'expected at least one claim: without, it is for everybody'),
    scope: z.enum(scopes),
    team: teamSchema.optional(),
    teamClaim: z.string().min(1).optional(),
  })
  .refine(
    ({ team, teamClaim }) => (team === undefined) !== (teamClaim === undefined),
    'expected either team, or teamClaim: the claim that has the name of the team',
  );

const providerSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected letters, digits, `.`, `_` or `-`'),
  issuer: urlSchema,
  audience: z.string().min(1),
  jwksUri: urlSchema.optional(),
  algorithms: z
    .array(z.enum(asymmetric))
    .min(1)
    .default([...asymmetric]),
  subjectClaim: z.string().min(1).default('sub'),
  clockToleranceSeconds: z.number().int().min(0).max(300).default(30),
  rules: z.array(ruleSchema).min(1),
});

/** An issuer of tokens, and what its tokens may do here. */
export type OidcProvider = z.output<typeof providerSchema>;
/** What the holder of a token with these claims may do. */
export type OidcRule = z.output<typeof ruleSchema>;

const listSchema = z
  .array(providerSchema)
  .min(1)
  .refine(
    (list) => new Set(list.map(({ issuer }) => issuer)).size === list.length,
    'expected each issuer once; put all of its rules there',
  )
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'expected each name once');

const variable = 'PLINTH_OIDC';

const problemsOf = (issues: readonly z.core.$ZodIssue[], base: readonly PropertyKey[] = []): string[] =>
  issues.flatMap((issue) => {
    const path = [...base, ...issue.path];
    // The branch that fits best is the one that was meant.
    if (issue.code === 'invalid_union') {
      const [best = []] = [...issue.errors].sort((a, b) => a.length - b.length);
      return problemsOf(best, path);
    }
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `${fieldPath([...path, key])} is no setting`);
    return [`${fieldPath(path) || 'it'}: ${issue.message}`];
  });

/**
 * The issuers that `PLINTH_OIDC` names: YAML or JSON, one or a list of them; or `@` and the path of a file with that.
 *
 * @throws ConfigError naming each setting that cannot be used
 */
export const readOidcSettings = async (text: string): Promise<OidcProvider[]> => {
  let value: unknown;
  try {
    value = parse(text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text);
  } catch (error) {
    throw new ConfigError([`${variable}: ${(error as Error).message.split('\n')[0]}`]);
  }
  const parsed = listSchema.safeParse(Array.isArray(value) ? value : [value]);
  if (parsed.success) return parsed.data;
  throw new ConfigError(problemsOf(parsed.error.issues).map((problem) => `${variable}: ${problem}`));
};
