import { randomUUID } from 'node:crypto';

/**
 * Returns the value of `X-Request-Id` if it is a valid id: 1 to 128 letters, digits and `._:-`.
 * Otherwise undefined.
 */
export function parseRequestId(header: string | string[] | null | undefined): string | undefined {
  return typeof header === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(header) ? header : undefined;
}

/** Returns the value of `X-Request-Id` if it is a valid id, otherwise a new UUID. */
export function resolveRequestId(header: string | string[] | null | undefined): string {
  return parseRequestId(header) ?? randomUUID();
}
