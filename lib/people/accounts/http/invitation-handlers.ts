import { randomUUID } from 'node:crypto';
import { sendsMail } from '#lib/config/mail-settings';
import { AppError } from '#lib/errors';
import { actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { groupOf, noContent, pathId } from '#lib/people/accounts/http/admin-scope';
import { linkOrigin } from '#lib/people/accounts/http/auth-request';
import { requireGroup } from '#lib/people/accounts/http/require-group';
import { roleOf } from '#lib/people/accounts/identity-loader';
import { settleLeftClaims } from '#lib/people/accounts/invitations';
import { groupName } from '#lib/people/accounts/members';
import { isAllowedDomain } from '#lib/people/accounts/oidc-policy';
import { invitationMail } from '#lib/people/mail/account-mails';
import { notSent, sendAndReport } from '#lib/people/mail/send-link';
import { pageOf, readPage } from '#lib/people/page-cursor';
import { newToken, tokenHash } from '#lib/people/secret-token';
import { type Store, store } from '#lib/store/store';
import { DAY_MS, KIB } from '#lib/units';
import { type InvitationRequest, newInvitationSchema } from '#lib/wire/accounts';
import type { Invitation, MailReport } from '#lib/wire/people';

/** Handlers of /api/admin/invitations. */

const MAX_BODY_BYTES = 4 * KIB;
const DEFAULT_DAYS = 7;
const FIELDS = ['group_id', 'max_uses', 'expires_in_days', 'send_mail'];

/**
 * Makes an invitation, shows its link once, and sends it to the address that it names. Managers
 * invite members into their own group.
 */
export async function createInvitation(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { principal } = context;
  const body = parseBody(newInvitationSchema, await readJson(request, MAX_BODY_BYTES), FIELDS);
  const own = groupOf(principal);
  const role = body.role ?? 'member';
  const groupId = body.group_id ?? own ?? null;
  if (own !== undefined && (role !== 'member' || groupId !== own || own === ''))
    throw new AppError('forbidden', 'Managers invite members into their own group only.');
  if (role === 'manager' && groupId === null)
    throw new AppError('invalid_request', 'A manager needs a group: set group_id.', {
      details: [{ field: 'group_id', message: 'is needed for a manager' }],
    });
  checkAddress(body, context);
  const opened = await store();
  if (groupId !== null) await requireGroup(opened, groupId);
  const token = newToken();
  const nowMs = Date.now();
  const row = {
    id: randomUUID(),
    token_hash: tokenHash(token),
    role,
    group_id: groupId,
    email: body.email ?? null,
    note: body.note ?? null,
    max_uses: body.max_uses ?? 1,
    uses: 0,
    created_at: nowMs,
    created_by: principal.userId ?? null,
    expires_at: nowMs + Math.round((body.expires_in_days ?? DEFAULT_DAYS) * DAY_MS),
  };
  await opened.writeAll([
    opened.db.insertInto('invitations').values(row),
    auditStatement(opened, actorOf(context), {
      action: 'invitation.create',
      target: row.id,
      summary: `invited ${row.email ?? (row.max_uses === 1 ? 'one person' : `${row.max_uses} people`)} as ${role}`,
      changes: { role, group: groupId, max_uses: row.max_uses, expires_at: row.expires_at },
    }),
  ]);
  const invitation = await findInvitation(opened, row.id);
  const url = `${linkOrigin(request, context)}/join?${new URLSearchParams({ token })}`;
  const mail = await mailInvitation(opened, context, invitation, url, body.send_mail);
  return json({ ...invitation, url, token, mail }, 201);
}

/** Throws `invalid_request` for an address that could not join, a mail to none or to several. */
function checkAddress({ email, max_uses: most, send_mail: asksForMail }: InvitationRequest, context: RequestContext) {
  const { SIGN_UP_DOMAINS: domains } = context.settings;
  if (email != null && !isAllowedDomain(email, domains)) throw invalidEmail(`must be of ${domains.join(' or ')}`);
  if (asksForMail !== true) return;
  if (email == null) throw invalidEmail('is needed to send the link');
  if ((most ?? 1) > 1) throw invalidEmail('is one address: set max_uses to 1 to send the link to it');
}

function invalidEmail(message: string): AppError {
  return new AppError('invalid_request', `email ${message}.`, { details: [{ field: 'email', message }] });
}

/** Null where no mail is to be sent. */
async function mailInvitation(
  opened: Store,
  context: RequestContext,
  { id, email, group, max_uses: most, expires_at: expiresAt }: Invitation,
  url: string,
  asked: boolean | null | undefined,
): Promise<MailReport | null> {
  const { settings, principal } = context;
  const isWanted = asked ?? (most === 1 && sendsMail(settings));
  if (email === null || !isWanted) return null;
  if (!sendsMail(settings)) return notSent('not_configured');
  if (settings.SIGN_UP === 'closed') return notSent('sign_up_closed');
  const mail = invitationMail({
    to: email,
    url,
    inviter: principal.userId === undefined ? undefined : principal.name,
    group: group?.name,
    expiresAtMs: Date.parse(expiresAt),
  });
  return await sendAndReport(opened, actorOf(context), {
    mail,
    kind: 'invitation',
    what: 'an invitation',
    action: 'invitation.mail',
    target: id,
  });
}

export async function listInvitations(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const opened = await store();
  const { after, limit } = readPage(request, 'ms');
  const own = groupOf(principal);
  await settleLeftClaims(opened, Date.now());
  let query = invitationQuery(opened);
  if (own !== undefined) query = query.where('invitations.group_id', '=', own);
  if (after !== undefined)
    query = query.where(({ eb, or, and }) =>
      or([
        eb('invitations.created_at', '<', Number(after[0])),
        and([eb('invitations.created_at', '=', Number(after[0])), eb('invitations.id', '<', after[1])]),
      ]),
    );
  const rows = await query
    .orderBy('invitations.created_at', 'desc')
    .orderBy('invitations.id', 'desc')
    .limit(limit + 1)
    .execute();
  const { rows: shown, next_cursor } = pageOf(rows, limit, ({ created_at, id }) => [created_at, id]);
  return json({ invitations: shown.map(toInvitation), next_cursor });
}

/** Withdraws an invitation. People who joined by it stay. */
export async function deleteInvitation(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const opened = await store();
  const invitation = await findInvitation(opened, pathId(context));
  const own = groupOf(context.principal);
  if (own !== undefined && invitation.group?.id !== own) throw invitationNotFound();
  await opened.writeAll([
    opened.db.deleteFrom('invitations').where('id', '=', invitation.id),
    auditStatement(opened, actorOf(context), {
      action: 'invitation.delete',
      target: invitation.id,
      summary: `withdrew an invitation after ${invitation.uses} of ${invitation.max_uses} uses`,
    }),
  ]);
  return noContent();
}

function invitationQuery({ db }: Pick<Store, 'db'>) {
  return db
    .selectFrom('invitations')
    .leftJoin('groups', 'groups.id', 'invitations.group_id')
    .leftJoin('users as maker', 'maker.id', 'invitations.created_by')
    .selectAll('invitations')
    .select(['groups.name as groupName', 'maker.name as makerName']);
}

type InvitationRow = Awaited<ReturnType<ReturnType<typeof invitationQuery>['execute']>>[number];

function toInvitation(row: InvitationRow): Invitation {
  return {
    id: row.id,
    role: roleOf(row.role),
    group: groupName(row.group_id, row.groupName),
    email: row.email,
    note: row.note,
    max_uses: row.max_uses,
    uses: row.uses,
    created_at: new Date(row.created_at).toISOString(),
    created_by: row.created_by === null ? null : { id: row.created_by, name: row.makerName ?? row.created_by },
    expires_at: new Date(row.expires_at).toISOString(),
  };
}

async function findInvitation(opened: Store, id: string): Promise<Invitation> {
  const row = await invitationQuery(opened).where('invitations.id', '=', id).executeTakeFirst();
  if (row === undefined) throw invitationNotFound();
  return toInvitation(row);
}

function invitationNotFound(): AppError {
  return new AppError('not_found', 'There is no invitation with this id.');
}
