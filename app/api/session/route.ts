import { Fault } from '#lib/fault';
import { createSession, endSession, findKey, sessionCookie, sessionKey } from '#lib/http/auth';
import { parseBody, readJson } from '#lib/http/body';
import { json } from '#lib/http/reply';
import type { HttpRequest } from '#lib/http/request';
import { route } from '#lib/http/route';
import { KIB } from '#lib/http/size';
import { signInSchema } from '#lib/wire/session';

/** Signing in and out for browsers: a key is exchanged for a cookie that scripts cannot read. */
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/session',
  {
    GET: (request, { settings }) => {
      const needed = settings.API_KEYS.length > 0;
      const key = sessionKey(request.headers.get('cookie'), settings.API_KEYS, Date.now());
      return json({ needed, signed_in: !needed || key !== undefined });
    },
    POST: async (request, { settings }) => {
      const { key: shown } = parseBody(signInSchema, await readJson(request, 4 * KIB));
      if (settings.API_KEYS.length === 0)
        throw new Fault('not_configured', 'This server has no API_KEYS: everyone is signed in.');
      const key = findKey(shown, settings.API_KEYS);
      if (key === undefined)
        throw new Fault('unauthorized', 'This key is not known here. Ask whoever runs this server for one.');
      return json({ signed_in: true }, 200, {
        'set-cookie': sessionCookie(createSession(key, Date.now()), isSecure(request)),
      });
    },
    DELETE: (request, { settings }) => {
      endSession(request.headers.get('cookie'), settings.API_KEYS, Date.now());
      return json({ signed_in: false }, 200, { 'set-cookie': sessionCookie('', isSecure(request)) });
    },
  },
  { open: true, limited: 'chat' },
);

function isSecure(request: HttpRequest): boolean {
  return request.url.startsWith('https:') || request.headers.get('x-forwarded-proto') === 'https';
}
