import { teamSchema, type Scope } from '#libs/contracts';
import type { OidcRule } from './settings.js';

export type Claims = Readonly<Record<string, unknown>>;

/** A claim by its name, or by its path where there is none of that name (`realm_access.roles`). */
const claimOf = (claims: Claims, name: string): unknown => {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>(
      (at, part) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, part) ? (at as Claims)[part] : undefined,
      claims,
    );
};

/** The texts of a claim: several where it is a list. What is neither text, number nor truth value counts as nothing. */
export const textsOf = (claims: Claims, name: string): string[] => {
  const value = claimOf(claims, name);
  return (Array.isArray(value) ? value : [value]).flatMap((one: unknown) =>
    typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean' ? [String(one)] : [],
  );
};

/** `*` stands for any characters but `/`, `**` for any; all else for itself. */
const matches = (pattern: string, text: string): boolean => {
  const source = pattern
    .split(/(\*\*?)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`, 's').test(text);
};

const holds = (rule: OidcRule, claims: Claims): boolean =>
  Object.entries(rule.claims).every(([name, wanted]) => {
    const texts = textsOf(claims, name);
    return [wanted].flat().some((pattern) => texts.some((text) => matches(pattern, text)));
  });

/** What the first rule that holds gives; undefined for nothing. */
export const grantOf = (
  rules: readonly OidcRule[],
  claims: Claims,
): { readonly team: string; readonly scope: Scope } | undefined => {
  for (const rule of rules) {
    if (!holds(rule, claims)) continue;
    const named = rule.team ?? textsOf(claims, rule.teamClaim ?? '')[0];
    const team = teamSchema.safeParse(named);
    if (team.success) return { team: team.data, scope: rule.scope };
  }
  return undefined;
};
