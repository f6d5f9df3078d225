import type { z } from 'zod';
import * as wire from '#lib/wire/accounts';

/**
 * The endpoints of better-auth that are mounted, with the bodies that they get. Any other path
 * below /api/auth is 404; among them are all of its plugin `admin`, and those that change an
 * address or a person directly. See docs/contract.md#accounts.
 */
export interface AuthEndpoint {
  readonly method: 'GET' | 'POST';
  /** Without a schema the endpoint gets no body. Fields that it does not name are dropped. */
  readonly body?: z.ZodType<object>;
  /**
   * What a wrong password or code counts against: the e-mail of the body, the person who is signed
   * in, or the person whose second factor is asked for.
   */
  readonly guess?: 'email' | 'person' | 'code';
  /** It begins a sign-in at the provider, which is counted by address. */
  readonly beginsAtProvider?: true;
  /** What the audit log has of a success. */
  readonly audit?: {
    readonly action: string;
    readonly summary: string;
    /** Only of a person who is signed in without a second factor: others complete a sign-in. */
    readonly isFirstFactorOnly?: true;
  };
}

export const AUTH_ENDPOINTS: Readonly<Record<string, AuthEndpoint>> = {
  '/get-session': { method: 'GET' },
  '/sign-out': { method: 'POST' },
  '/sign-in/email': { method: 'POST', body: wire.emailSignInSchema, guess: 'email' },
  '/sign-in/social': { method: 'POST', body: wire.providerSignInSchema, beginsAtProvider: true },
  '/link-social': { method: 'POST', body: wire.linkProviderSchema, beginsAtProvider: true },
  '/callback/oidc': { method: 'GET' },
  '/change-password': {
    method: 'POST',
    body: wire.passwordChangeSchema,
    guess: 'person',
    audit: { action: 'account.password', summary: 'changed the password' },
  },
  '/reset-password': { method: 'POST', body: wire.passwordResetSchema },
  '/two-factor/enable': { method: 'POST', body: wire.passwordProofSchema, guess: 'person' },
  '/two-factor/disable': {
    method: 'POST',
    body: wire.passwordProofSchema,
    guess: 'person',
    audit: { action: 'account.two_factor_off', summary: 'turned the second factor off' },
  },
  '/two-factor/get-totp-uri': { method: 'POST', body: wire.passwordProofSchema, guess: 'person' },
  '/two-factor/generate-backup-codes': {
    method: 'POST',
    body: wire.passwordProofSchema,
    guess: 'person',
    audit: { action: 'account.recovery_codes', summary: 'made new recovery codes' },
  },
  '/two-factor/verify-totp': {
    method: 'POST',
    body: wire.codeSchema,
    guess: 'code',
    audit: { action: 'account.two_factor_on', summary: 'turned the second factor on', isFirstFactorOnly: true },
  },
  '/two-factor/verify-backup-code': { method: 'POST', body: wire.codeSchema, guess: 'code' },
};
