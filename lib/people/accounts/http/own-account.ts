import type { Compilable } from 'kysely';
import { addDays } from '#lib/calendar';
import { sendsMail } from '#lib/config/mail-settings';
import { actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { keysOf } from '#lib/people/accounts/access-keys';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { endedSessionCookie } from '#lib/people/accounts/auth-cookies';
import { hasProvider, OIDC_PROVIDER } from '#lib/people/accounts/auth-options';
import { isAboutPerson } from '#lib/people/accounts/changes-of-person';
import { isOverTls } from '#lib/people/accounts/http/auth-request';
import { asPerson, currentSessionToken, personOf } from '#lib/people/accounts/http/person-of';
import { requirePassword } from '#lib/people/accounts/http/require-password';
import { readMember } from '#lib/people/accounts/members';
import { removePerson } from '#lib/people/accounts/remove-person';
import { hasAdministrator } from '#lib/people/accounts/set-up';
import { peopleLimits } from '#lib/people/limits/index';
import { type PageRequest, pageOf } from '#lib/people/page-cursor';
import { reportUsage, today } from '#lib/people/usage/usage-service';
import { type Store, store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { optionalPasswordProofSchema, sessionNameSchema } from '#lib/wire/accounts';

/** What a person does with its own account. */

const MAX_BODY_BYTES = 4 * KIB;
/** Rows of an export of one kind. */
const MAX_EXPORTED = 10_000;

/** How one signs in here, for the sign-in page. */
export async function readOptions(_request: HttpRequest, { settings }: RequestContext): Promise<Reply> {
  return json({
    mode: 'accounts',
    sign_up: settings.SIGN_UP,
    sign_up_domains: settings.SIGN_UP_DOMAINS,
    provider: hasProvider(settings) ? { id: OIDC_PROVIDER, name: settings.OIDC_NAME } : null,
    setup_needed: !(await hasAdministrator(await store())),
    sends_mail: sendsMail(settings),
  });
}

/** The shape of better-auth's list. `token` names a session to end it, and is its id. */
export async function listOwnSessions(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { userId } = await personOf(request, context);
  const opened = await store();
  const current = await currentSessionToken(request, opened, context);
  const rows = await sessionsOf(opened, userId);
  return json(
    rows.map(({ id, token, createdAt, updatedAt, expiresAt, ipAddress, userAgent }) => ({
      id,
      token: id,
      createdAt: isoOf(createdAt),
      updatedAt: isoOf(updatedAt),
      expiresAt: isoOf(expiresAt),
      ipAddress,
      userAgent,
      isCurrent: token === current,
    })),
  );
}

export async function endOwnSession(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { userId } = await personOf(request, context);
  const { token: id } = parseBody(sessionNameSchema, await readJson(request, MAX_BODY_BYTES));
  const opened = await store();
  await endSessions(opened, userId, (session) => session.id === id);
  return json({ status: true });
}

export async function endOtherSessions(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { userId } = await personOf(request, context);
  const opened = await store();
  const current = await currentSessionToken(request, opened, context);
  await endSessions(opened, userId, ({ token }) => token !== current);
  return json({ status: true });
}

/** Deletes the person's account, after its password where it has one. */
export async function deleteOwnAccount(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const person = await personOf(request, context);
  const { password } = parseBody(optionalPasswordProofSchema, await readJson(request, MAX_BODY_BYTES));
  const opened = await store();
  await requirePassword(opened, person, password, context);
  const actor = { principal: person, address: context.address, requestId: context.requestId };
  await removePerson(opened, person.userId, actor, () =>
    auditStatement(opened, actorOf(actor), {
      action: 'account.delete',
      target: person.userId,
      summary: `${person.name ?? 'A person'} deleted the own account`,
      ...(person.name === undefined ? {} : { changes: { name: person.name } }),
    }),
  );
  return { ...json({ success: true }), cookies: [endedSessionCookie(isOverTls(request, context))] };
}

/** All that the server keeps of a person, without secrets. */
export async function exportOwnData(_request: HttpRequest, { principal, settings }: RequestContext): Promise<Reply> {
  const { userId, caller } = asPerson(principal);
  const opened = await store();
  // Changes are replied to before their record is on disk.
  await opened.flush();
  const member = await readMember(opened, userId);
  const sessions = await sessionsOf(opened, userId);
  const keys = await keysOf(opened, userId);
  const [credentials, usage, changes] = await Promise.all([
    opened.db.selectFrom('credentials').select(['providerId', 'createdAt']).where('userId', '=', userId).execute(),
    usageOf(userId, settings),
    opened.report(
      opened.db
        .selectFrom('audit_log')
        .select(['at', 'actor', 'action', 'target', 'detail', 'address'])
        .where((expression) =>
          expression.or([
            expression('actor', '=', caller),
            isAboutPerson(expression, { userId, keyIds: keys.map(({ id }) => id) }),
          ]),
        )
        .orderBy('id', 'desc')
        .limit(MAX_EXPORTED)
        .compile(),
    ),
  ]);
  return json(
    {
      user: member,
      sign_in: credentials.map(({ providerId, createdAt }) => ({ kind: providerId, created_at: isoOf(createdAt) })),
      sessions: sessions.map(toSession),
      keys,
      limits: peopleLimits().table.get({ kind: 'user', id: userId })?.limits ?? {},
      usage,
      changes: changes.map(({ at, actor, address, detail, ...change }) => ({
        ...change,
        at: new Date(at).toISOString(),
        // An administrator's address is not the person's.
        address: actor === caller ? address : null,
        detail: parsed(detail),
      })),
    },
    200,
    { 'content-disposition': 'attachment; filename="chill-space-account.json"' },
  );
}

/** Sums by month, model and key, for as long as they are kept. */
async function usageOf(user: string, { USAGE_RETENTION_DAYS: days }: RequestContext['settings']) {
  const to = today();
  const { rows } = await reportUsage({
    from: addDays(to, -days),
    to,
    groupBy: ['month', 'model', 'key'],
    filter: { user },
  });
  return rows;
}

async function sessionsOf(opened: Store, userId: string) {
  return await sessionQuery(opened, userId).limit(MAX_EXPORTED).execute();
}

function sessionQuery({ db }: Store, userId: string) {
  return db
    .selectFrom('user_sessions')
    .select(['id', 'token', 'createdAt', 'updatedAt', 'expiresAt', 'ipAddress', 'userAgent'])
    .where('userId', '=', userId)
    .where('expiresAt', '>', new Date().toISOString())
    .orderBy('updatedAt', 'desc')
    .orderBy('id', 'desc');
}

/** A page of the sessions of a person, the one that was used last first. */
export async function sessionPage(opened: Store, userId: string, { limit, after }: PageRequest) {
  let query = sessionQuery(opened, userId);
  if (after !== undefined) {
    const [usedAt, id] = [String(after[0]), after[1]];
    query = query.where(({ eb, or, and }) =>
      or([eb('updatedAt', '<', usedAt), and([eb('updatedAt', '=', usedAt), eb('id', '<', id)])]),
    );
  }
  const rows = await query.limit(limit + 1).execute();
  return pageOf(rows, limit, (row) => [isoOf(row.updatedAt), row.id]);
}

type SessionRow = Awaited<ReturnType<typeof sessionsOf>>[number];

export function toSession({ id, createdAt, updatedAt, expiresAt, ipAddress, userAgent }: SessionRow) {
  return {
    id,
    created_at: isoOf(createdAt),
    last_used_at: isoOf(updatedAt),
    expires_at: isoOf(expiresAt),
    user_agent: userAgent,
    address: ipAddress === '' ? null : ipAddress,
  };
}

/**
 * Ends sessions of a person at once, with the record that `recordOf` makes of how many. A session
 * of another person is never among them.
 */
export async function endSessions(
  opened: Store,
  userId: string,
  isMeant: (session: SessionRow) => boolean,
  recordOf: (ended: number) => readonly Compilable[] = () => [],
): Promise<void> {
  const ended = (await sessionsOf(opened, userId)).filter(isMeant);
  const deletions = ended.map(({ id }) =>
    opened.db.deleteFrom('user_sessions').where('id', '=', id).where('userId', '=', userId),
  );
  await opened.writeAll([...deletions, ...recordOf(ended.length)]);
  for (const { token } of ended) accountIdentities().forgetSession(token);
}

export function isoOf(time: Date | string): string {
  return new Date(time).toISOString();
}

function parsed(detail: string | null): unknown {
  return detail === null ? null : JSON.parse(detail);
}
