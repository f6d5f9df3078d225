import type { Config } from '#lib/config/config';
import type { Role } from '#lib/http/principal';
import type { OidcClaims } from '#lib/people/accounts/auth-flow';

type OidcSettings = Pick<Config, 'OIDC_GROUP_CLAIM' | 'OIDC_ADMIN_GROUP' | 'OIDC_GROUPS'>;

/** What the provider's groups say of a person. */
export interface ClaimedRights {
  /** Undefined where the provider does not decide on administrators. */
  readonly isAdmin: boolean | undefined;
  /** Name of the group here; undefined where the person is in none that is mapped. */
  readonly groupName: string | undefined;
}

/** The groups of a claim: a list of names, or one name. A claim of another type names none. */
export function claimedGroups(claims: OidcClaims, { OIDC_GROUP_CLAIM: name }: OidcSettings): string[] {
  const claim = claims[name];
  if (typeof claim === 'string') return [claim];
  return Array.isArray(claim) ? claim.filter((group) => typeof group === 'string') : [];
}

export function claimedRights(claims: OidcClaims, settings: OidcSettings): ClaimedRights {
  const theirs = claimedGroups(claims, settings);
  const { OIDC_ADMIN_GROUP: admins, OIDC_GROUPS: names } = settings;
  const mapped = theirs.find((group) => names.has(group));
  return {
    isAdmin: admins === undefined ? undefined : theirs.includes(admins),
    groupName: mapped === undefined ? undefined : names.get(mapped),
  };
}

/** Whether the groups of a person stand in for an invitation. */
export function isInvitedByGroup({ isAdmin, groupName }: ClaimedRights): boolean {
  return isAdmin === true || groupName !== undefined;
}

/**
 * The role after a sign-in at the provider. Where it decides on administrators, it also takes the
 * role away; managers are made here.
 */
export function roleAfterSignIn(current: Role, { isAdmin }: ClaimedRights): Role {
  if (isAdmin === undefined) return current;
  if (isAdmin) return 'admin';
  return current === 'admin' ? 'member' : current;
}

/**
 * The role of a person whom the provider puts into a group. A manager of another group is a member
 * there: the provider names no managers.
 */
export function roleInGroup(role: Role, before: string | null, groupId: string | null): Role {
  return role === 'manager' && groupId !== before ? 'member' : role;
}

/**
 * Whether the provider says that it has not verified the address. One that says nothing of it is
 * trusted: Entra ID, for example, has no such claim. Some send it as a text.
 */
export function isUnverifiedAddress({ email_verified: verified }: OidcClaims): boolean {
  return verified === false || (typeof verified === 'string' && verified.toLowerCase() === 'false');
}

/** Whether an address is in one of the domains, or there is no rule. */
export function isAllowedDomain(email: string, domains: readonly string[]): boolean {
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  return domains.length === 0 || domains.includes(domain);
}
