/** How most clients write the scheme. */
export const BEARER = 'Bearer ';

/**
 * Returns the token of an `Authorization: Bearer` header, undefined for any other scheme
 * (RFC 6750 section 2.1).
 */
export function bearerTokenOf(authorization: string | null): string | undefined {
  return authorization === null ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}
