import { retryAfterHeader } from '#lib/http/errors';
import { JSON_HEADERS, json, type Reply } from '#lib/http/reply';

/**
 * Replies of better-auth in this server's conventions. Errors get `error` next to better-auth's
 * `message`, and keep its `code` in capitals. Tokens of sessions stay in their cookies.
 */
export async function toReply(response: Response): Promise<Reply> {
  const cookies = response.headers.getSetCookie();
  const location = response.headers.get('location');
  if (location !== null && response.status >= 300 && response.status < 400)
    return { ...leadTo(location, response.status), cookies };
  const text = await response.text();
  const content: unknown = text === '' ? null : parse(text);
  if (!response.ok) return { ...toError(response.status, content, response.headers), cookies };
  return { ...json(withoutTokens(content), response.status), cookies };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function toError(status: number, content: unknown, headers: Headers): Reply {
  const message = textOf(content, 'message') ?? 'The request was refused.';
  const code = textOf(content, 'code') ?? 'REFUSED';
  const seconds = Number(headers.get('retry-after') ?? headers.get('x-retry-after') ?? Number.NaN);
  const waits = status === 429 ? retryAfterHeader(Number.isFinite(seconds) ? seconds : 60) : {};
  return json({ error: sentence(message), code, message }, status, waits);
}

function textOf(content: unknown, name: string): string | undefined {
  if (typeof content !== 'object' || content === null) return undefined;
  const value: unknown = Object.entries(content).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : undefined;
}

function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

/**
 * Removes session tokens: a page needs none, and one that is shown could be copied. In a session,
 * its id stands in for the token.
 */
function withoutTokens(content: unknown): unknown {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return content;
  const entries = Object.entries(content).flatMap(([name, value]: [string, unknown]): [string, unknown][] => {
    if (name === 'token') return [];
    if (name === 'session') return [[name, withId(value)]];
    return [[name, value]];
  });
  return Object.fromEntries(entries);
}

function withId(session: unknown): unknown {
  if (typeof session !== 'object' || session === null) return session;
  const entries = Object.entries(session);
  const id: unknown = entries.find(([name]) => name === 'id')?.[1];
  const shown = entries.filter(([name]) => name !== 'token' && name !== 'impersonatedBy');
  return { ...Object.fromEntries(shown), token: id };
}

/**
 * The reply that leads back from the provider. A redirect would keep the navigation one from
 * another site, without the `Strict` cookie that was just set, so a document of this server begins
 * a new one. Addresses with an error need no cookie.
 */
function leadTo(location: string, status: number): Reply {
  const isPage = location.startsWith('/') && !location.startsWith('//');
  if (!isPage || /[?&]error=/.test(location))
    return { status, headers: { location, 'cache-control': 'no-store' }, body: null };
  const target = escapeHtml(location);
  return {
    status: 200,
    headers: {
      ...JSON_HEADERS,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    },
    body: `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${target}"><title>Signed in</title><p><a href="${target}">Continue</a></p>`,
  };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
