import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { isTrustedProxy } from '#lib/http/client-ip';
import type { RequestHeaders } from '#lib/http/http-request';
import { log } from '#lib/telemetry/log';

/**
 * The person that an authenticating proxy names in `TRUSTED_USER_HEADER`. The header counts only
 * on connections from the addresses of `TRUST_PROXY`; the proxy must replace what a client sends.
 */

/** Letters and digits of any script, and what names and addresses of people contain. */
const USER_NAME = /^[\p{L}\p{N}._@+~\\-]{1,128}$/u;

/**
 * The name of the person; undefined without the header. Throws `forbidden` if the connection is
 * not from a trusted proxy, and `unauthorized` if the value is not one name.
 */
export function trustedUser(
  headers: RequestHeaders,
  peerAddress: string | undefined,
  { TRUSTED_USER_HEADER: header, TRUST_PROXY: trust }: Config,
): string | undefined {
  if (header === undefined) return undefined;
  const value = headers.get(header);
  if (value === null) return undefined;
  if (!isTrustedProxy(peerAddress, trust)) {
    log().warn({ header, peer: peerAddress ?? 'unknown' }, 'refused a user header that no trusted proxy has set');
    throw new AppError(
      'forbidden',
      `The header ${header} is accepted only from the proxies of TRUST_PROXY. Send the request through the proxy, or without the header.`,
    );
  }
  const name = userName(value);
  // A proxy that adds its value to the client's joins both by a comma.
  if (!USER_NAME.test(name))
    throw new AppError(
      'unauthorized',
      `The header ${header} does not hold one name of a person: at most 128 letters, digits and ._@+~\\-. Ask the operator of the proxy.`,
    );
  return name;
}

/** The name in a header's value: node:http reads it as Latin-1, and proxies send UTF-8. */
export function userName(value: string): string {
  return Buffer.from(value.trim(), 'latin1').toString();
}
