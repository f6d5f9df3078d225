import { connectionOptions } from '#lib/gateway/headers/hop-by-hop';

/** Whether a trailer of this name may be forwarded. */
export type TrailerRule = (name: string) => boolean;

/**
 * The rule for the trailers of one message. It excludes fields for framing, routing, request
 * modifiers, authentication and content (RFC 9110 6.5.1), those that `connection` names, and those
 * for which `isManaged`, given a lower-case name, returns true. A recipient that merges trailers
 * into headers could otherwise receive a header that was removed. `_` counts as `-`, since CGI and
 * WSGI map both to one name.
 */
export function trailerRule(connection: string | undefined, isManaged: TrailerRule): TrailerRule {
  const options = connectionOptions(connection);
  return (name) => {
    const written = name.toLowerCase();
    const lower = written.replaceAll('_', '-');
    return !FORBIDDEN_TRAILERS.test(lower) && !options.has(written) && !options.has(lower) && !isManaged(lower);
  };
}

/** The trailers that may be forwarded, names and values in turn. */
export function filterTrailers(raw: readonly string[], mayForward: TrailerRule): string[] {
  const trailers: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (mayForward(name)) trailers.push(name, raw[index + 1] ?? '');
  }
  return trailers;
}

/**
 * The value of a `Trailer` header without the names that are not forwarded; undefined if empty.
 */
export function filterTrailerNames(value: string, mayForward: TrailerRule): string | undefined {
  const names = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && mayForward(name));
  return names.length === 0 ? undefined : names.join(', ');
}

/** `Content-Digest` is the only `Content-*` field defined for trailers (RFC 9530 2). */
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
