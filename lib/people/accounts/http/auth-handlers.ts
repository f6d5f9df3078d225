import { AppError } from '#lib/errors';
import { recordAudit } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import type { Reply } from '#lib/http/reply';
import type { RequestContext, RequestHandler } from '#lib/http/route';
import { type AuthFlow, withFlow } from '#lib/people/accounts/auth-flow';
import { authLibrary } from '#lib/people/accounts/auth-library';
import { hasProvider } from '#lib/people/accounts/auth-options';
import { AUTH_ENDPOINTS, type AuthEndpoint } from '#lib/people/accounts/http/auth-endpoints';
import { toReply } from '#lib/people/accounts/http/auth-reply';
import { isOverTls, libraryRequest } from '#lib/people/accounts/http/auth-request';
import { checkResetLink, requestPasswordReset } from '#lib/people/accounts/http/forgotten-password';
import { signUp } from '#lib/people/accounts/http/join-handlers';
import {
  deleteOwnAccount,
  endOtherSessions,
  endOwnSession,
  listOwnSessions,
  readOptions,
} from '#lib/people/accounts/http/own-account';
import { findPerson, type Person, personOf } from '#lib/people/accounts/http/person-of';
import { unlinkProvider } from '#lib/people/accounts/http/unlink-provider';
import { settleClaim } from '#lib/people/accounts/invitations';
import { readMember } from '#lib/people/accounts/members';
import { passwordThrottle } from '#lib/people/accounts/password-throttle';
import { endOfResetLink, endResetLinks } from '#lib/people/accounts/reset-links';
import { challengedPerson } from '#lib/people/accounts/second-factor-challenge';
import { forgetTrustedDevices } from '#lib/people/accounts/trusted-devices';
import { tokenHash } from '#lib/people/secret-token';
import { KIB } from '#lib/units';
import { passwordResetSchema, providerSignInSchema, signUpRequestSchema } from '#lib/wire/accounts';

/** Handlers of /api/auth/*: better-auth behind an allow-list, and what this server does itself. */

const MAX_BODY_BYTES = 8 * KIB;

/** Endpoints that better-auth has too, and this server serves in its place. */
const OWN_GET: Readonly<Record<string, RequestHandler>> = {
  '/options': readOptions,
  '/list-sessions': listOwnSessions,
};
const OWN_POST: Readonly<Record<string, RequestHandler>> = {
  '/sign-up/email': signUpByEmail,
  '/request-password-reset': requestPasswordReset,
  '/reset-link': checkResetLink,
  '/revoke-session': endOwnSession,
  '/revoke-other-sessions': endOtherSessions,
  '/delete-user': deleteOwnAccount,
  '/unlink-provider': unlinkProvider,
};

export function authGet(request: HttpRequest, context: RequestContext): Promise<Reply> | Reply {
  const path = pathOf(context);
  const own = Object.hasOwn(OWN_GET, path) ? OWN_GET[path] : undefined;
  return own === undefined ? forward(request, context, path, 'GET') : own(request, context);
}

export function authPost(request: HttpRequest, context: RequestContext): Promise<Reply> | Reply {
  const path = pathOf(context);
  const own = Object.hasOwn(OWN_POST, path) ? OWN_POST[path] : undefined;
  return own === undefined ? forward(request, context, path, 'POST') : own(request, context);
}

function pathOf({ params }: RequestContext): string {
  const { all } = params;
  return `/${Array.isArray(all) ? all.join('/') : (all ?? '')}`;
}

async function signUpByEmail(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const body = await readJson(request, MAX_BODY_BYTES);
  const { invitation, ...person } = parseBody(signUpRequestSchema, body);
  return signUp(request, context, person, invitation);
}

async function forward(
  request: HttpRequest,
  context: RequestContext,
  path: string,
  method: 'GET' | 'POST',
): Promise<Reply> {
  const endpoint = Object.hasOwn(AUTH_ENDPOINTS, path) ? AUTH_ENDPOINTS[path] : undefined;
  // HEAD is served by the handler of GET, and a callback uses its code up.
  const isReadOnly = request.method !== 'HEAD' || path === '/get-session';
  if (endpoint === undefined || endpoint.method !== method || !isReadOnly)
    throw new AppError('not_found', 'Not found: no endpoint of accounts has this address and method.');
  const body =
    endpoint.body === undefined ? undefined : parseBody(endpoint.body, await readJson(request, MAX_BODY_BYTES));
  // Before the change: some end the session of the request.
  const person = await personBefore(endpoint, request, context);
  const guessed = await guessedOf(endpoint, body, person, request, context);
  if (guessed !== undefined) await passwordThrottle().begin(context.address, guessed.account);
  if (endpoint.beginsAtProvider === true) passwordThrottle().beginAtProvider(context.address);
  const flow: AuthFlow = { address: context.address, requestId: context.requestId };
  const library = await authLibrary();
  if (path === '/reset-password') {
    const { token } = passwordResetSchema.parse(body);
    const end = await endOfResetLink(library.store, token, Date.now());
    if (end === undefined) passwordThrottle().countWrongLink(context.address);
  }
  const forwarded = libraryRequest(request, context, path, {
    body: method === 'POST' ? bodyFor(path, body ?? {}, context) : undefined,
    search: path === '/callback/oidc' ? new URL(request.url).search : '',
  });
  let hasJoined = false;
  try {
    const reply = await toReply(await withFlow(flow, () => library.handle(forwarded, isOverTls(request, context))));
    hasJoined = reply.status === 200 && flow.created !== undefined;
    if (reply.status === 200) await recordSuccess(endpoint, guessed, person, context);
    return reply;
  } finally {
    // A person who was made, and is not signed in, may be able to: that is looked up later.
    if (flow.invitation !== undefined && (hasJoined || flow.created === undefined))
      await settleClaim(library.store, flow.invitation.claimId, hasJoined);
  }
}

/** The body of an endpoint: addresses of pages are ours, and an invitation is sent as its hash. */
function bodyFor(path: string, body: object, { settings }: RequestContext): object {
  if (path !== '/sign-in/social' && path !== '/link-social') return body;
  if (!hasProvider(settings))
    throw new AppError('not_configured', 'This server has no single sign-on. Set OIDC_ISSUER and OIDC_CLIENT_ID.');
  const { provider, callbackURL, invitation } = providerSignInSchema.parse(body);
  return {
    provider,
    callbackURL: callbackURL ?? '/',
    errorCallbackURL: path === '/link-social' ? '/account' : '/sign-in',
    disableRedirect: true,
    ...(invitation === undefined ? {} : { additionalData: { invitation_hash: tokenHash(invitation) } }),
  };
}

/** Who is signed in, for endpoints that need one, or whose record depends on it. */
async function personBefore(
  { guess, audit }: AuthEndpoint,
  request: HttpRequest,
  context: RequestContext,
): Promise<Person | undefined> {
  if (guess === 'person') return await personOf(request, context);
  if (audit?.isFirstFactorOnly !== true) return undefined;
  const person = await findPerson(request, context);
  if (person === undefined) return undefined;
  const { two_factor: hasSecondFactor } = await readMember((await authLibrary()).store, person.userId);
  return hasSecondFactor ? undefined : person;
}

/** What a password or a code is tried at. */
interface Guessed {
  /** Undefined where the attempt names no account. */
  readonly account: string | undefined;
}

/** Undefined where nothing can be guessed. */
async function guessedOf(
  { guess }: AuthEndpoint,
  body: object | undefined,
  person: Person | undefined,
  request: HttpRequest,
  context: RequestContext,
): Promise<Guessed | undefined> {
  if (guess === undefined) return undefined;
  if (guess === 'person') return { account: person?.caller };
  if (guess === 'email')
    return { account: body !== undefined && 'email' in body ? `email:${String(body.email)}` : undefined };
  const { store } = await authLibrary();
  const userId =
    (await challengedPerson(store, {
      cookies: request.headers.get('cookie'),
      isSecure: isOverTls(request, context),
      configuredSecret: context.settings.AUTH_SECRET,
    })) ?? (await findPerson(request, context))?.userId;
  // Apart from passwords: the right one takes back no wrong codes.
  return userId === undefined ? undefined : { account: `code:${userId}` };
}

async function recordSuccess(
  { audit }: AuthEndpoint,
  guessed: Guessed | undefined,
  person: Person | undefined,
  context: RequestContext,
): Promise<void> {
  if (guessed !== undefined) passwordThrottle().succeed(context.address, guessed.account);
  if (audit === undefined || (audit.isFirstFactorOnly === true && person === undefined)) return;
  const caller = person?.caller;
  const name = person?.name ?? null;
  const { store } = await authLibrary();
  if (audit.action === 'account.password' && person !== undefined) await endResetLinks(store, person.userId);
  // better-auth forgets the device of the request only.
  if (audit.action === 'account.two_factor_off' && person !== undefined)
    await store.writeAll(await forgetTrustedDevices(store, person.userId));
  recordAudit(
    store,
    { caller: caller ?? 'server', name, address: context.address, requestId: context.requestId },
    {
      action: audit.action,
      summary: `${name ?? 'A person'} ${audit.summary}`,
      ...(caller === undefined ? {} : { target: caller.replace(/^user:/, '') }),
    },
  );
}
