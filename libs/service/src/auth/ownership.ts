import { PlinthError, type Operation, type OwnedKind } from '#libs/contracts';
import type { Principal } from './principal.js';

/** Answers whose a thing is; `undefined` when there is no such thing. */
export type OwnerOf = (id: string) => string | undefined | Promise<string | undefined>;

/** Whose the things of a service are. */
export type Owners = Readonly<Partial<Record<OwnedKind, OwnerOf>>>;

/** True for `admin`, and for what is of the own team. */
export const isOwn = ({ scope, team }: Principal, owner: string): boolean => scope === 'admin' || team === owner;

/** For handlers of many things at once. @throws PlinthError PERMISSION_DENIED */
export const requireTeam = (principal: Principal, owner: string, what: string): void => {
  if (isOwn(principal, owner)) return;
  throw new PlinthError(
    'PERMISSION_DENIED',
    `${what} the team "${owner}"; the token "${principal.subject}" is of the team "${principal.team}".`,
  );
};

/**
 * The one place that keeps teams apart: refuses what the table of operations says is another team's. What is not there
 * belongs to nobody; the handler says so.
 *
 * @throws PlinthError PERMISSION_DENIED
 */
export const requireOwnership = async (
  operation: Operation,
  principal: Principal,
  input: Readonly<Record<string, unknown>>,
  owners: Owners,
): Promise<void> => {
  const { team } = operation;
  if (team === 'none' || team === 'own') return;
  const named = input['team'];
  if (typeof named === 'string') requireTeam(principal, named, 'What is asked for would belong to');
  if (team === 'named') return;
  const id = String(input[team.by]);
  const owner = await owners[team.of]?.(id);
  if (owner !== undefined) requireTeam(principal, owner, `The ${team.of} ${id} belongs to`);
};
