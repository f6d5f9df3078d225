import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { Member } from '#lib/wire/people';

/** How far an administrator or a manager may reach. */

/** The group that a manager is limited to; undefined for an administrator. */
export function groupOf({ role, groupId }: Principal): string | undefined {
  if (role === 'admin') return undefined;
  // A manager without a group administers no one; no group has this id.
  return groupId ?? '';
}

/**
 * Throws unless the caller may change this person: administrators everyone, managers the members
 * of their group. People of other groups have the same reply as those who do not exist.
 */
export function requireReach(principal: Principal, member: Member): void {
  const own = groupOf(principal);
  if (own === undefined) return;
  if (member.group?.id !== own) throw new AppError('not_found', 'There is no person with this id.');
  if (member.role !== 'member' && member.id !== principal.userId)
    throw new AppError('forbidden', 'Only administrators may change administrators and managers.');
}

/** The id in the path of a route. Empty, which no row has, for one with a NUL character. */
export function pathId({ params }: RequestContext): string {
  const { id } = params;
  return typeof id === 'string' && !id.includes('\0') ? id : '';
}

export function noContent(): Reply {
  return { status: 204, headers: { 'cache-control': 'no-store' }, body: null };
}
