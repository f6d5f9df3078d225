import { request } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { isRecord } from '#lib/browser/type-guards';
import { authRequest } from '../people/auth-api.ts';

/** Sessions, password, second factor and data of the person who is signed in. */

export interface BrowserSession {
  /** Names it when it is ended. */
  token: string;
  createdAt: string;
  updatedAt: string;
  userAgent: string | null;
  isCurrent: boolean;
}

/** The newest first. */
export async function fetchSessions(): Promise<BrowserSession[]> {
  const [own, all] = await Promise.all([authRequest('/get-session'), authRequest('/list-sessions')]);
  const current = isRecord(own) && isRecord(own.session) ? own.session.token : undefined;
  const sessions = Array.isArray(all) ? all.flatMap((each: unknown) => readSession(each, current)) : [];
  return sessions.toSorted(
    (one, other) => Number(other.isCurrent) - Number(one.isCurrent) || other.updatedAt.localeCompare(one.updatedAt),
  );
}

function readSession(each: unknown, current: unknown): BrowserSession[] {
  if (!isRecord(each) || typeof each.token !== 'string') return [];
  const { token, createdAt, updatedAt, userAgent } = each;
  return [
    {
      token,
      createdAt: typeof createdAt === 'string' ? createdAt : '',
      updatedAt: typeof updatedAt === 'string' ? updatedAt : '',
      userAgent: typeof userAgent === 'string' && userAgent !== '' ? userAgent : null,
      isCurrent: token === current,
    },
  ];
}

export async function endSession(token: string): Promise<void> {
  await authRequest('/revoke-session', { token });
}

export async function endOtherSessions(): Promise<void> {
  await authRequest('/revoke-other-sessions', {});
}

export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  await authRequest('/change-password', { currentPassword, newPassword, revokeOtherSessions: true });
}

/** Whether signing in asks for a code. */
export async function fetchTwoFactor(): Promise<boolean> {
  const own = await authRequest('/get-session');
  return isRecord(own) && isRecord(own.user) && own.user.twoFactorEnabled === true;
}

/** Whether the person signs in with a password, and not only through the organisation. */
export async function fetchHasPassword(): Promise<boolean> {
  const accounts = await authRequest('/list-accounts');
  return Array.isArray(accounts) && accounts.some((each) => isRecord(each) && each.providerId === 'credential');
}

export interface TwoFactorSetup {
  /** `otpauth://totp/…`: https://github.com/google/google-authenticator/wiki/Key-Uri-Format. */
  uri: string;
  recoveryCodes: string[];
}

export async function beginTwoFactor(password: string): Promise<TwoFactorSetup> {
  const body = await authRequest('/two-factor/enable', { password });
  const uri = isRecord(body) && typeof body.totpURI === 'string' ? body.totpURI : '';
  const codes = isRecord(body) && Array.isArray(body.backupCodes) ? body.backupCodes : [];
  return { uri, recoveryCodes: codes.filter((code) => typeof code === 'string') };
}

export async function confirmTwoFactor(code: string): Promise<void> {
  await authRequest('/two-factor/verify-totp', { code: code.replaceAll(/\s/g, '') });
}

export async function endTwoFactor(password: string): Promise<void> {
  await authRequest('/two-factor/disable', { password });
}

/** The secret in an `otpauth:` address, in groups of four, as apps take it. */
export function secretOf(uri: string): string {
  const secret = URL.canParse(uri) ? (new URL(uri).searchParams.get('secret') ?? '') : '';
  return secret.replaceAll(/(.{4})(?=.)/g, '$1 ');
}

/** All that the server keeps of the person, as the text of a JSON file. */
export async function exportData(): Promise<string> {
  return (await request(`${API_BASE}/api/me/export`)).text();
}

export async function deleteAccount(password: string | undefined): Promise<void> {
  await authRequest('/delete-user', password === undefined ? {} : { password });
}
