import { hash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/** A secret of 256 random bits in base64url. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/**
 * What is stored in place of a secret, in base64url. SHA-256 without a salt is enough, because the
 * secrets are random. A look-up by this hash reveals nothing by its time.
 */
export function tokenHash(token: string): string {
  return hash('sha256', token, 'base64url');
}
