import { connectionOptions } from '#lib/gateway/headers/hop-by-hop';

/** Says of a trailer's name, as it was written, whether it may come behind a body. */
export type TrailerRule = (name: string) => boolean;

/**
 * The rule for the trailers of one message: none that frames, routes, modifies or authorises it or says how its body is to be read (RFC 9110
 * §6.5.1), none that `connection`, the value of its `Connection`, names, and none of its own kind's `ownNames`. Who merges trailers into
 * headers would otherwise believe what was kept out of these. A name with `_` is judged as the one with `-`, which CGI and WSGI
 * take it for. `ownNames` is asked in lower case.
 */
export function trailerRule(connection: string | undefined, ownNames: TrailerRule): TrailerRule {
  const named = connectionOptions(connection);
  return (name) => {
    const written = name.toLowerCase();
    const lower = written.replaceAll('_', '-');
    return !FORBIDDEN_TRAILERS.test(lower) && !named.has(written) && !named.has(lower) && !ownNames(lower);
  };
}

/** What of a trailer section may go on, names and values in turn. */
export function filterTrailers(raw: readonly string[], mayBeLate: TrailerRule): string[] {
  const trailers: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (mayBeLate(name)) trailers.push(name, raw[index + 1] ?? '');
  }
  return trailers;
}

/** What of the names in a `Trailer` header may come; undefined where none may. */
export function filterTrailerNames(value: string, mayBeLate: TrailerRule): string | undefined {
  const names = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && mayBeLate(name));
  return names.length === 0 ? undefined : names.join(', ');
}

/** `Content-Digest` is the one `Content-*` that is made for the end of a body (RFC 9530 §2). */
const FORBIDDEN_TRAILERS = new RegExp(
  `^(?:${[
    'content-(?!digest$).*',
    'transfer-encoding|trailer|te|connection|keep-alive|proxy-connection|upgrade|http2-settings',
    'host|max-forwards|location|forwarded|x-forwarded-.*',
    'cache-control|expect|pragma|range|if-.*',
    'authorization|proxy-authorization|www-authenticate|proxy-authenticate|cookie|set-cookie',
    'age|date|expires|retry-after|vary|warning',
  ].join('|')})$`,
);
