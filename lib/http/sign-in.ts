import { authMode } from '#lib/config/auth-mode';
import { AppError } from '#lib/errors';
import { verifySignIn } from '#lib/http/auth';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { endSessions, identify } from '#lib/http/identity';
import { isOverTls, sessionHeaders } from '#lib/http/over-tls';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { createSession, revokeSessions, sessionCookie } from '#lib/http/session-cookie';
import { KIB } from '#lib/units';
import { signInSchema } from '#lib/wire/session';

/** Handlers of /api/session. A browser exchanges a key for a cookie that scripts cannot read. */

export async function readSession({ headers }: HttpRequest, context: RequestContext): Promise<Reply> {
  const { settings, address, peerAddress } = context;
  const needed = authMode(settings) !== 'none';
  const identity = await identify({ headers: sessionHeaders(headers), peerAddress, address }, settings, Date.now());
  return json({ needed, signed_in: !needed || identity !== undefined });
}

export async function signIn(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { settings, address, peerAddress } = context;
  const { key: shown } = parseBody(signInSchema, await readJson(request, 4 * KIB));
  if (settings.API_KEYS.length === 0)
    throw new AppError('not_configured', 'No API_KEYS are set, so there is nothing to sign in to.');
  const key = verifySignIn(shown, settings.API_KEYS, address);
  if (key === undefined) throw new AppError('unauthorized', 'Wrong key. Ask your administrator for one.');
  return json({ signed_in: true }, 200, {
    'set-cookie': sessionCookie(createSession(key, Date.now()), isOverTls(request.headers, peerAddress, settings)),
  });
}

export async function signOut({ headers }: HttpRequest, { peerAddress, settings }: RequestContext): Promise<Reply> {
  const secure = isOverTls(headers, peerAddress, settings);
  await revokeSessions(headers.get('cookie'), settings.API_KEYS, Date.now());
  const cookies = [sessionCookie('', secure), ...(await endSessions(headers, secure))];
  return { ...json({ signed_in: false }), cookies };
}
