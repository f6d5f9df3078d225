import { requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { hasShape, isRecord } from '#lib/browser/type-guards';
import type { NewPerson, OpenResetLink } from '#lib/wire/accounts';
import type { OpenInvitation } from '#lib/wire/people';
import { authRequest } from '../people/auth-api.ts';
import { jsonRequest } from '../people/people-api.ts';

/** Signing in and joining with an e-mail address and a password. */

/** `two_factor`: the password was right, and a code is needed. */
export async function signInByEmail(
  credentials: Pick<NewPerson, 'email' | 'password'>,
  remember: boolean,
): Promise<'done' | 'two_factor'> {
  const body = await authRequest('/sign-in/email', { ...credentials, rememberMe: remember });
  return isRecord(body) && body.twoFactorRedirect === true ? 'two_factor' : 'done';
}

/** The second step, with a code of the app or a recovery code. */
export async function verifyCode(code: string, kind: 'app' | 'recovery', trustDevice: boolean): Promise<void> {
  await authRequest(kind === 'app' ? '/two-factor/verify-totp' : '/two-factor/verify-backup-code', {
    code,
    trustDevice,
  });
}

/**
 * The address of the provider's sign-in page, which leads back to `page`, a path of this server.
 * `invitation` is the token of one, for a person who has no account yet.
 */
export async function providerUrl(provider: string, page: string, invitation?: string): Promise<string | undefined> {
  const body = await authRequest('/sign-in/social', { provider, callbackURL: page, invitation });
  return isRecord(body) && typeof body.url === 'string' ? body.url : undefined;
}

/** Whether the server has no administrator yet. */
export async function needsSetUp(): Promise<boolean> {
  const options = await authRequest('/options');
  return isRecord(options) && options.setup_needed === true;
}

const isSignedIn = hasShape<{ user: object }>({ user: 'object' });

/** Makes the administrator, and signs in. */
export async function setUp(token: string, person: NewPerson): Promise<void> {
  await requestJson(isSignedIn, `${API_BASE}/api/setup`, jsonRequest('POST', { token, ...person }));
}

const isInvitation = hasShape<OpenInvitation>({ role: 'string', expires_at: 'string' });

export function fetchInvitation(token: string): Promise<OpenInvitation> {
  return requestJson(isInvitation, `${API_BASE}/api/join?${new URLSearchParams({ token })}`);
}

/** Makes an account, with an invitation or where anyone may join, and signs in. */
export async function join(token: string | undefined, person: NewPerson): Promise<void> {
  await requestJson(isSignedIn, `${API_BASE}/api/join`, jsonRequest('POST', { token, ...person }));
}

/** Has a link to set a password sent to the address, if a person here has it. */
export async function requestPasswordReset(email: string): Promise<void> {
  await authRequest('/request-password-reset', { email });
}

const isResetLink = hasShape<OpenResetLink>({ expires_at: 'string' });

/** When a link to set a password ends. Fails with the reason `reset_link` if it has. */
export async function fetchResetLink(token: string): Promise<OpenResetLink> {
  return requestJson(isResetLink, `${API_BASE}/api/auth/reset-link`, jsonRequest('POST', { token }));
}

export async function resetPassword(token: string, newPassword: string): Promise<void> {
  await authRequest('/reset-password', { token, newPassword });
}
