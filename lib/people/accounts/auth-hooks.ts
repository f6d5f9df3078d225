import type { BetterAuthOptions } from 'better-auth';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { auditStatement, recordAudit } from '#lib/http/audit';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { type AccountAdmission, type AuthFlow, currentFlow, type OidcClaims } from '#lib/people/accounts/auth-flow';
import { OIDC_PROVIDER } from '#lib/people/accounts/auth-options';
import { roleOf } from '#lib/people/accounts/identity-loader';
import { claimInvitation } from '#lib/people/accounts/invitations';
import { readMember } from '#lib/people/accounts/members';
import {
  claimedRights,
  isAllowedDomain,
  isInvitedByGroup,
  isUnverifiedAddress,
  roleAfterSignIn,
  roleInGroup,
} from '#lib/people/accounts/oidc-policy';
import { endResetLinks } from '#lib/people/accounts/reset-links';
import { applyChange, changePerson, inRoleTransaction } from '#lib/people/accounts/role-changes';
import { type Store, StoreUnavailable } from '#lib/store/store';

type HookSettings = Pick<
  Config,
  'SIGN_UP' | 'SIGN_UP_DOMAINS' | 'OIDC_SIGN_UP' | 'OIDC_GROUP_CLAIM' | 'OIDC_ADMIN_GROUP' | 'OIDC_GROUPS'
>;

interface HookInput {
  readonly store: Store;
  readonly settings: HookSettings;
  /** Hash of the invitation that a person had when it went to the provider. */
  readonly invitationOfState: () => Promise<string | undefined>;
}

type ValidateUserInfo = NonNullable<NonNullable<BetterAuthOptions['user']>['validateUserInfo']>;

/**
 * Hooks of better-auth that decide who may have an account. No endpoint can make a person without
 * an `AccountAdmission` of the current request.
 */
export function authHooks(input: HookInput): {
  databaseHooks: NonNullable<BetterAuthOptions['databaseHooks']>;
  validateUserInfo: ValidateUserInfo;
  onPasswordReset: (data: { user: { id: string; name: string } }) => Promise<void>;
} {
  const { store, settings } = input;
  return {
    validateUserInfo: async ({ user, source }) => {
      const flow = currentFlow();
      if (flow === undefined) return REFUSED;
      const { oauth, action } = source;
      if (action === 'link-account') return isUnverifiedAddress(oauth?.profile ?? {}) ? UNVERIFIED : undefined;
      if (oauth !== undefined && oauth.providerId === OIDC_PROVIDER) flow.claims = oauth.profile ?? {};
      if (action !== 'create-user' || flow.admission !== undefined) return undefined;
      if (flow.claims === undefined) return REFUSED;
      const email = String(user.email ?? '');
      // Anyone could name an address of the domain.
      if (settings.SIGN_UP_DOMAINS.length > 0 && isUnverifiedAddress(flow.claims)) return UNVERIFIED;
      const admission = await admitByProvider(input, flow, flow.claims, email);
      if (admission === undefined) return REFUSED;
      flow.admission = admission;
      return undefined;
    },
    onPasswordReset: async ({ user: { id, name } }) => {
      await endResetLinks(store, id);
      const flow = currentFlow();
      if (flow === undefined) return;
      recordAudit(store, flowActor(flow, id, name), {
        action: 'account.reset_password',
        target: id,
        summary: `${name} set a new password by a link`,
      });
    },
    databaseHooks: {
      user: {
        create: {
          before: async (user) => {
            const admission = currentFlow()?.admission;
            if (admission === undefined) return false;
            const name = user.name.trim() === '' ? (user.email.split('@')[0] ?? user.email) : user.name;
            const { role, groupId, isAddressNamed = false } = admission;
            return { data: { ...user, name, role, groupId, emailVerified: user.emailVerified || isAddressNamed } };
          },
          after: async ({ id, name, email }) => {
            const flow = currentFlow();
            if (flow === undefined) return;
            flow.created = { id, name, email };
            const role = flow.admission?.role ?? 'member';
            recordAudit(store, flowActor(flow, id, name), {
              action: 'user.join',
              target: id,
              summary: `${name} (${email}) joined as ${role}`,
              changes: { role, ...(flow.invitation && { invitation: flow.invitation.invitationId }) },
            });
          },
        },
        update: { after: async ({ id }) => accountIdentities().forgetPerson(id) },
      },
      account: {
        create: {
          after: async ({ providerId, userId }) => {
            const flow = currentFlow();
            // A new person joins with it, which has a record.
            if (flow === undefined || flow.admission !== undefined || providerId !== OIDC_PROVIDER) return;
            const { name } = await readMember(store, userId);
            recordAudit(store, flowActor(flow, userId, name), {
              action: 'account.link_provider',
              target: userId,
              summary: `${name} linked the account to the one at the provider`,
            });
          },
        },
      },
      session: {
        create: {
          before: async (session) => {
            const flow = currentFlow();
            if (flow?.claims !== undefined && flow.created === undefined)
              await followProvider(store, settings, flow, flow.claims, session.userId);
            return { data: { ...session, ipAddress: flow?.address ?? '' } };
          },
          after: async ({ userId }) => {
            const ended = store.db.deleteFrom('user_sessions').where('userId', '=', userId);
            void store.write(ended.where('expiresAt', '<', new Date().toISOString()));
          },
        },
        delete: { after: async ({ token }) => accountIdentities().forgetSession(token) },
      },
    },
  };
}

const REFUSED = {
  error: 'sign_up_refused',
  errorDescription: 'You need an invitation to join this server. Ask an administrator for one.',
};

const UNVERIFIED = {
  error: 'email_not_verified',
  errorDescription: 'Your provider has not verified your e-mail address. Verify it there, and sign in again.',
};

function flowActor({ address, requestId }: AuthFlow, userId: string, name: string) {
  return { caller: `user:${userId}`, name, address, requestId };
}

/** Whether a person that the provider names for the first time may join, and as what. */
async function admitByProvider(
  { store, settings, invitationOfState }: HookInput,
  flow: AuthFlow,
  claims: OidcClaims,
  email: string,
): Promise<AccountAdmission | undefined> {
  if (settings.SIGN_UP === 'closed' || !isAllowedDomain(email, settings.SIGN_UP_DOMAINS)) return undefined;
  const rights = claimedRights(claims, settings);
  const groupId = await groupNamed(store, rights.groupName);
  const role = roleAfterSignIn('member', rights);
  if (settings.SIGN_UP === 'open' || settings.OIDC_SIGN_UP || isInvitedByGroup(rights)) return { role, groupId };
  const hash = await invitationOfState();
  if (hash === undefined) return undefined;
  try {
    // An invitation that names an address is for its owner alone.
    const invited = await claimInvitation(store, { hash, email, isOwner: !isUnverifiedAddress(claims) }, Date.now());
    flow.invitation = invited;
    const joined = groupId ?? invited.groupId;
    return {
      role: role === 'admin' ? role : roleInGroup(invited.role, invited.groupId, joined),
      groupId: joined,
      isAddressNamed: invited.isAddressNamed === true,
    };
  } catch (error) {
    if (AppError.is(error)) return undefined;
    throw error;
  }
}

/** Sets role and group of a person as the provider has them, at each sign-in. */
async function followProvider(
  store: Store,
  settings: HookSettings,
  flow: AuthFlow,
  claims: OidcClaims,
  userId: string,
): Promise<void> {
  const rights = claimedRights(claims, settings);
  const current = await store.db
    .selectFrom('users')
    .select(['name', 'role', 'groupId'])
    .where('id', '=', userId)
    .executeTakeFirst();
  if (current === undefined) return;
  const groupId = (await groupNamed(store, rights.groupName)) ?? current.groupId;
  const role = roleInGroup(roleAfterSignIn(roleOf(current.role), rights), current.groupId, groupId);
  if (role === roleOf(current.role) && groupId === current.groupId) return;
  try {
    const made = await inRoleTransaction(store, async (queries) => {
      const change = await changePerson(queries, userId, { role, groupId });
      await auditStatement(queries, flowActor(flow, userId, current.name), {
        action: 'user.follow_provider',
        target: userId,
        summary: `The provider made ${current.name} ${role}`,
        changes: { before: { role: roleOf(current.role), group: current.groupId }, after: { role, group: groupId } },
      }).execute();
      return change;
    });
    applyChange(made);
  } catch (error) {
    // The last administrator stays one: otherwise no one could administer the server.
    if (!AppError.is(error) || StoreUnavailable.is(error)) throw error;
  }
}

async function groupNamed(store: Store, name: string | undefined): Promise<string | null> {
  if (name === undefined) return null;
  const row = await store.db.selectFrom('groups').select('id').where('name', '=', name).executeTakeFirst();
  return row?.id ?? null;
}
