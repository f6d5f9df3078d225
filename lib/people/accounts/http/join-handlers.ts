import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { type AccountAdmission, type AuthFlow, withFlow } from '#lib/people/accounts/auth-flow';
import { authLibrary } from '#lib/people/accounts/auth-library';
import { toReply } from '#lib/people/accounts/http/auth-reply';
import { isOverTls, libraryRequest } from '#lib/people/accounts/http/auth-request';
import {
  claimInvitation,
  type InvitedAdmission,
  readOpenInvitation,
  settleClaim,
} from '#lib/people/accounts/invitations';
import { isAllowedDomain } from '#lib/people/accounts/oidc-policy';
import { passwordThrottle, readLink } from '#lib/people/accounts/password-throttle';
import { claimSetUp, endSetUp, hasAdministrator, releaseSetUp } from '#lib/people/accounts/set-up';
import { deleteUnfinishedPeople } from '#lib/people/accounts/unfinished-people';
import { tokenHash } from '#lib/people/secret-token';
import { type Store, store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { KIB } from '#lib/units';
import { joinRequestSchema, type NewPerson, setUpRequestSchema } from '#lib/wire/accounts';

/** Handlers of /api/setup and /api/join, and of better-auth's own sign-up. */

const MAX_BODY_BYTES = 8 * KIB;

export async function readSetUp(): Promise<Reply> {
  return json({ needed: !(await hasAdministrator(await store())) });
}

/** Makes the first administrator, and signs in. */
export async function setUp(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { token, ...person } = parseBody(setUpRequestSchema, await readJson(request, MAX_BODY_BYTES));
  const opened = await store();
  await readLink(context.address, () => claimSetUp(opened, token, Date.now()));
  const flow = flowOf(context, { role: 'admin', groupId: null, isAddressNamed: true });
  try {
    return await makeAccount(request, context, person, flow);
  } finally {
    if (flow.created === undefined) await releaseSetUp(opened, token);
    else {
      // They are void while there is an administrator; a later start makes a new one.
      await endSetUp(opened).catch((error: unknown) => log().warn({ err: error }, 'set-up links were not deleted'));
    }
  }
}

/** What an invitation is for, for the join page. */
export async function readInvitation({ url }: HttpRequest, { address }: RequestContext): Promise<Reply> {
  const token = new URL(url).searchParams.get('token') ?? '';
  const opened = await store();
  return json(await readLink(address, () => readOpenInvitation(opened, token.slice(0, 200), Date.now())));
}

export async function join(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { token, ...person } = parseBody(joinRequestSchema, await readJson(request, MAX_BODY_BYTES));
  return signUp(request, context, person, token);
}

/**
 * Makes an account as SIGN_UP allows it, and signs in. Throws `forbidden` without a valid
 * invitation where one is needed.
 */
export async function signUp(
  request: HttpRequest,
  context: RequestContext,
  person: NewPerson,
  token: string | undefined,
): Promise<Reply> {
  const { settings, address } = context;
  if (settings.SIGN_UP === 'closed')
    throw new AppError('forbidden', 'No one can join this server by itself (SIGN_UP=closed). Ask an administrator.');
  if (settings.SIGN_UP === 'invite' && token === undefined)
    throw new AppError('forbidden', 'You need an invitation to join this server. Ask an administrator for one.', {
      data: { reason: 'invitation' },
    });
  if (!isAllowedDomain(person.email, settings.SIGN_UP_DOMAINS))
    throw new AppError(
      'forbidden',
      `Only addresses of ${settings.SIGN_UP_DOMAINS.join(', ')} may join this server. Use one of them.`,
      { data: { reason: 'domain' } },
    );
  const opened = await store();
  const invited = token === undefined ? undefined : await readLink(address, () => claim(opened, token, person.email));
  const flow = flowOf(context, invited ?? { role: 'member', groupId: null }, invited);
  try {
    await passwordThrottle().begin(address, undefined);
    return await makeAccount(request, context, person, flow);
  } finally {
    const hasJoined = flow.created !== undefined;
    if (hasJoined) passwordThrottle().succeed(address, undefined);
    if (flow.invitation !== undefined) await settleClaim(opened, flow.invitation.claimId, hasJoined);
  }
}

function claim(opened: Store, token: string, email: string): Promise<InvitedAdmission> {
  return claimInvitation(opened, { hash: tokenHash(token), email, isOwner: true }, Date.now());
}

function flowOf(
  { address, requestId }: RequestContext,
  admission: AccountAdmission,
  invitation?: InvitedAdmission,
): AuthFlow {
  return { address, requestId, admission, ...(invitation && { invitation }) };
}

async function makeAccount(
  request: HttpRequest,
  context: RequestContext,
  { name, email, password }: NewPerson,
  flow: AuthFlow,
): Promise<Reply> {
  const library = await authLibrary();
  await deleteUnfinishedPeople(library.store, Date.now(), email);
  const made = libraryRequest(request, context, '/sign-up/email', { body: { name, email, password } });
  let reply: Reply | undefined;
  try {
    reply = await toReply(await withFlow(flow, () => library.handle(made, isOverTls(request, context))));
  } finally {
    if (flow.created !== undefined && reply?.status !== 200) await dropPerson(library.store, flow);
  }
  const { created, admission } = flow;
  if (created === undefined) return reply;
  const { cookies = [] } = reply;
  return { ...json({ user: { ...created, role: admission?.role } }, 201), cookies };
}

/** A person without a password could not sign in, and would block the address. Never rejects. */
async function dropPerson({ db }: Store, flow: AuthFlow): Promise<void> {
  const id = flow.created?.id ?? '';
  delete flow.created;
  try {
    await db.deleteFrom('users').where('id', '=', id).execute();
  } catch (error) {
    log().warn({ err: error }, 'a person who could not join is deleted later');
    // So is the claim of its invitation settled, by what the database has then.
    delete flow.invitation;
  }
}
