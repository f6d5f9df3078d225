import { withoutNamed } from '#lib/gateway/request-headers';
import type { TokenMask } from '#lib/gateway/token-mask';

export interface AnswerOptions {
  /** The name of this server's own session cookie: no backend sets that one. */
  sessionCookie: string | undefined;
  /** Trailers can follow where the body has no length, and is sent in chunks. */
  allowsTrailers: boolean;
}

/**
 * The headers for the caller, names and values in turn, out of those of the backend's answer: in their order and spelling, without
 * hop-by-hop headers, those that `Connection` names included, without `X-Request-Id`, which is the request's own, and
 * with the token masked wherever it is repeated.
 */
export function responseHeaders(raw: readonly string[], mask: TokenMask, options: AnswerOptions): string[] {
  const headers: string[] = [];
  let named: string | undefined;
  let trailer: string | undefined;
  let hasLength = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const rule = RULES.get(name.toLowerCase());
    if (rule === undefined) headers.push(mask.text(name), mask.text(value));
    else if (rule === 'content-length') {
      hasLength = true;
      headers.push(name, value);
    } else if (rule === 'connection') named = named === undefined ? value : `${named},${value}`;
    else if (rule === 'trailer') trailer = trailer === undefined ? value : `${trailer}, ${value}`;
    else if (rule === 'set-cookie' && !sets(value, options.sessionCookie)) headers.push(name, mask.text(value));
  }
  if (trailer !== undefined && options.allowsTrailers && !hasLength) headers.push('Trailer', mask.text(trailer));
  return named === undefined ? headers : withoutNamed(headers, named);
}

/** The trailers of an answer that may follow its body; what frames or routes a message may not come so late. */
export function responseTrailers(raw: readonly string[], mask: TokenMask): [string, string][] {
  const trailers: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (!RULES.has(name.toLowerCase()) && !NEVER_LATE.has(name.toLowerCase()))
      trailers.push([mask.text(name), mask.text(raw[index + 1] ?? '')]);
  }
  return trailers;
}

/** Whether a body of its own may follow: answers to HEAD, 204 and 304 have none. */
export function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

/** A status message as it may be sent; undefined where the usual one must do. */
export function statusMessage(message: string | undefined, mask: TokenMask): string | undefined {
  return message === undefined || message === '' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(message)
    ? undefined
    : mask.text(message);
}

type Rule = 'drop' | 'connection' | 'content-length' | 'trailer' | 'set-cookie';

const RULES = new Map<string, Rule>([
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['trailer', 'trailer'],
  ['set-cookie', 'set-cookie'],
  ...['keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'].map((name): [string, Rule] => [
    name,
    'drop',
  ]),
  ...['te', 'transfer-encoding', 'upgrade', 'x-request-id'].map((name): [string, Rule] => [name, 'drop']),
]);

const NEVER_LATE = new Set(['content-encoding', 'content-type', 'content-range', 'host', 'location']);

function sets(cookie: string, name: string | undefined): boolean {
  return name !== undefined && cookie.split('=', 1)[0]?.trim() === name;
}
