import { connectionOf, withoutNamed } from '#lib/gateway/hop-by-hop';
import type { TokenMask } from '#lib/gateway/token-mask';
import { announcedTrailers, lateRule, passedTrailers } from '#lib/gateway/trailers';

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
  const kept = named === undefined ? headers : withoutNamed(headers, named);
  if (trailer !== undefined && options.allowsTrailers && !hasLength) {
    const announced = announcedTrailers(trailer, lateRule(named, isOwnName));
    if (announced !== undefined) kept.push('Trailer', mask.text(announced));
  }
  return kept;
}

/** The trailers for the caller out of those of the answer whose headers are `raw`: as `requestTrailers`, and with the token masked. */
export function responseTrailers(
  trailers: readonly string[],
  raw: readonly string[],
  mask: TokenMask,
): [string, string][] {
  const passed = passedTrailers(trailers, lateRule(connectionOf(raw), isOwnName));
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < passed.length; index += 2)
    pairs.push([mask.text(passed[index] ?? ''), mask.text(passed[index + 1] ?? '')]);
  return pairs;
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

function isOwnName(name: string): boolean {
  return RULES.has(name);
}

function sets(cookie: string, name: string | undefined): boolean {
  return name !== undefined && cookie.split('=', 1)[0]?.trim() === name;
}
