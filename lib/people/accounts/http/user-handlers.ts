import type { Compilable } from 'kysely';
import type { z } from 'zod';
import { sendsMail } from '#lib/config/mail-settings';
import { AppError } from '#lib/errors';
import { actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, parseJson, readJson, readJsonBytes } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { ROLES, type Role } from '#lib/http/principal';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { authLibrary } from '#lib/people/accounts/auth-library';
import { groupOf, noContent, pathId, requireReach } from '#lib/people/accounts/http/admin-scope';
import { linkOrigin } from '#lib/people/accounts/http/auth-request';
import { endSessions, sessionPage, toSession } from '#lib/people/accounts/http/own-account';
import { requireGroup } from '#lib/people/accounts/http/require-group';
import { changeMember } from '#lib/people/accounts/member-change';
import { listMembers, readMember } from '#lib/people/accounts/members';
import { hasMailbox } from '#lib/people/accounts/proxy-users';
import { removePerson } from '#lib/people/accounts/remove-person';
import { endResetLinks, resetUrl } from '#lib/people/accounts/reset-links';
import { applyChange, inRoleTransaction } from '#lib/people/accounts/role-changes';
import { forgetTrustedDevices } from '#lib/people/accounts/trusted-devices';
import { resetMail } from '#lib/people/mail/account-mails';
import { notSent, sendAndReport } from '#lib/people/mail/send-link';
import { readPage } from '#lib/people/page-cursor';
import { newToken } from '#lib/people/secret-token';
import { type Store, store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { resetLinkRequestSchema, userChangeSchema } from '#lib/wire/accounts';
import type { MailReport, Member } from '#lib/wire/people';

/** Handlers of /api/admin/users. */

const MAX_BODY_BYTES = 4 * KIB;
/** Characters of a temporary password: 120 random bits. */
const TEMPORARY_CHARS = 20;

export async function listUsers(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const page = readPage(request);
  const own = groupOf(principal);
  const search = page.query.get('search')?.slice(0, 200);
  const groupId = own ?? page.query.get('group_id') ?? undefined;
  const role = roleParameter(page.query.get('role'));
  return json(await listMembers(await store(), page, { groupId, role, search }));
}

function roleParameter(value: string | null): Role | undefined {
  const role = ROLES.find((one) => one === value);
  if (value === null || role !== undefined) return role;
  const message = `must be ${ROLES.slice(0, -1).join(', ')} or ${ROLES.at(-1)}`;
  throw new AppError('invalid_request', `role ${message}.`, { details: [{ field: 'role', message }] });
}

export async function readUser(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  return json(await reachable(await store(), context, { isRead: true }));
}

/** Changes what is named. Role and group are for administrators. */
export async function changeUser(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const body = await readJson(request, MAX_BODY_BYTES);
  const change = parseBody(userChangeSchema, body, ['group_id', 'two_factor']);
  const opened = await store();
  const before = await reachable(opened, context);
  const { name, role, group_id: groupId, disabled: isDisabled, two_factor: hasTwoFactor } = change;
  if (hasTwoFactor === false) requireOther(context, before);
  if ((role !== undefined || groupId !== undefined) && groupOf(context.principal) !== undefined)
    throw new AppError('forbidden', 'Only administrators may change roles and groups.');
  if (isDisabled === true && before.id === context.principal.userId)
    throw new AppError('conflict', 'You cannot disable yourself. Ask another administrator.');
  if (groupId != null) await requireGroup(opened, groupId);
  const removals = hasTwoFactor === false ? await secondFactorRemoval(opened, before.id) : [];
  const made = await inRoleTransaction(opened, (queries) =>
    changeMember(
      queries,
      actorOf(context),
      before.id,
      {
        ...(name === undefined ? {} : { name }),
        ...(role === undefined ? {} : { role }),
        ...(groupId === undefined ? {} : { groupId }),
        ...(isDisabled === undefined ? {} : { isDisabled }),
      },
      removals,
    ),
  );
  applyChange(made);
  return json(await readMember(opened, before.id));
}

export async function deleteUser(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const opened = await store();
  const member = await reachable(opened, context);
  await removePerson(opened, member.id, context, (keys) =>
    auditStatement(opened, actorOf(context), {
      action: 'user.delete',
      target: member.id,
      summary: `deleted ${member.name} (${member.email})`,
      changes: { name: member.name, keys },
    }),
  );
  return noContent();
}

/** The sessions of a person, the one that was used last first. */
export async function listUserSessions(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const page = readPage(request, 'time');
  const opened = await store();
  const member = await reachable(opened, context);
  const { rows, next_cursor } = await sessionPage(opened, member.id, page);
  return json({ sessions: rows.map(toSession), next_cursor });
}

export async function endUserSessions(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const opened = await store();
  const member = await reachable(opened, context);
  await endSessions(
    opened,
    member.id,
    () => true,
    (ended) => [
      auditStatement(opened, actorOf(context), {
        action: 'user.end_sessions',
        target: member.id,
        summary: `signed ${member.name} out everywhere`,
        changes: { ended },
      }),
    ],
  );
  return noContent();
}

/** Makes a one-time link with which the person sets a password, and sends it on request. */
export async function makeResetLink(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { send_mail: isSent } = await resetLinkRequest(request);
  const opened = await store();
  const member = await reachable(opened, context);
  requireOther(context, member);
  const token = await (await authLibrary()).createResetToken(member.id, context.principal.userId);
  const record = auditStatement(opened, actorOf(context), {
    action: 'user.reset_link',
    target: member.id,
    summary: `made a link for ${member.name} to set a password`,
  });
  // A link without a record is shown to no one.
  await opened.write(record);
  const url = resetUrl(linkOrigin(request, context), token);
  return json({ url, mail: isSent === true ? await mailLink(opened, context, member, url) : null }, 201);
}

/** A body is optional: without one no mail is sent. */
async function resetLinkRequest(request: HttpRequest): Promise<z.output<typeof resetLinkRequestSchema>> {
  const bytes = await readJsonBytes(request, MAX_BODY_BYTES, true);
  return bytes.byteLength === 0 ? {} : parseBody(resetLinkRequestSchema, parseJson(bytes), ['send_mail']);
}

async function mailLink(opened: Store, context: RequestContext, member: Member, url: string): Promise<MailReport> {
  if (!sendsMail(context.settings)) return notSent('not_configured');
  if (member.disabled) return notSent('disabled');
  if (!hasMailbox(member.email)) return notSent('no_mailbox');
  return await sendAndReport(opened, actorOf(context), {
    mail: resetMail({ to: member.email, url, isOwnRequest: false }),
    kind: 'password',
    what: 'a link to set a password',
    action: 'user.reset_mail',
    target: member.id,
  });
}

/** Sets a password that is made here, shows it once, and ends the person's sessions. */
export async function setTemporaryPassword(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const opened = await store();
  const member = await reachable(opened, context);
  requireOther(context, member);
  const password = newToken().slice(0, TEMPORARY_CHARS);
  const hash = await (await authLibrary()).hashPassword(password);
  const ended = await opened.db.transaction().execute(async (db) => {
    await setPassword({ db }, member.id, hash);
    await endResetLinks({ db }, member.id);
    const sessions = await db.deleteFrom('user_sessions').where('userId', '=', member.id).returning('token').execute();
    await auditStatement({ db }, actorOf(context), {
      action: 'user.temporary_password',
      target: member.id,
      summary: `set a temporary password for ${member.name}`,
    }).execute();
    return sessions;
  });
  for (const { token } of ended) accountIdentities().forgetSession(token);
  accountIdentities().forgetPerson(member.id);
  return json({ password }, 201);
}

async function reachable(opened: Store, context: RequestContext, { isRead = false } = {}): Promise<Member> {
  const member = await readMember(opened, pathId(context));
  // A manager sees the other managers of the group.
  if (isRead && groupOf(context.principal) === member.group?.id) return member;
  requireReach(context.principal, member);
  return member;
}

/**
 * A manager changes the own ways to sign in as everyone does, with the current password: a key or
 * an open session is not enough for it.
 */
function requireOther({ principal }: RequestContext, member: Member): void {
  if (groupOf(principal) !== undefined && member.id === principal.userId)
    throw new AppError('forbidden', 'Change your own password and second factor on the page of your account.');
}

async function secondFactorRemoval(opened: Store, userId: string): Promise<Compilable[]> {
  return [
    opened.db.deleteFrom('two_factors').where('userId', '=', userId),
    opened.db.updateTable('users').set({ twoFactorEnabled: 0 }).where('id', '=', userId),
    ...(await forgetTrustedDevices(opened, userId)),
  ];
}

async function setPassword(opened: Pick<Store, 'db'>, userId: string, password: string): Promise<void> {
  const now = new Date().toISOString();
  const changed = await opened.db
    .updateTable('credentials')
    .set({ password, updatedAt: now })
    .where('userId', '=', userId)
    .where('providerId', '=', 'credential')
    .returning('id')
    .executeTakeFirst();
  if (changed !== undefined) return;
  await opened.db
    .insertInto('credentials')
    .values({
      id: newToken(),
      accountId: userId,
      providerId: 'credential',
      userId,
      password,
      createdAt: now,
      updatedAt: now,
      accessToken: null,
      refreshToken: null,
      idToken: null,
      scope: null,
    })
    .execute();
}
