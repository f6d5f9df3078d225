import { ApiError, request, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { BROWSER_STRINGS } from '#lib/browser/strings';
import { hasShape, isRecord } from '#lib/browser/type-guards';
import type { AuditList } from '#lib/wire/people';
import { authRequest } from '../people/auth-api.ts';

/** Sessions, password, second factor and data of the person who is signed in. */

/** What others changed of the person; a few at a time. */
export const CHANGES_PATH = `${API_BASE}/api/me/changes?limit=10`;
const EXPORT_PATH = `${API_BASE}/api/me/export`;

const isAuditList = hasShape<AuditList>({ entries: 'array' });

export function fetchChanges(url: string): Promise<AuditList> {
  return requestJson(isAuditList, url);
}

export interface BrowserSession {
  /** Names it when it is ended. */
  id: string;
  createdAt: string;
  updatedAt: string;
  userAgent: string | null;
  isCurrent: boolean;
}

/** The own one, then the newest. */
export async function fetchSessions(): Promise<BrowserSession[]> {
  const all = await authRequest('/list-sessions');
  if (!Array.isArray(all)) throw new ApiError(BROWSER_STRINGS.unexpectedResponse, 0, 'unknown_response');
  const sessions: BrowserSession[] = all.flatMap(readSession);
  return sessions.toSorted(
    (one, other) => Number(other.isCurrent) - Number(one.isCurrent) || other.updatedAt.localeCompare(one.updatedAt),
  );
}

function readSession(each: unknown): BrowserSession[] {
  if (!isRecord(each) || typeof each.id !== 'string') return [];
  const { id, createdAt, updatedAt, userAgent, isCurrent } = each;
  return [
    {
      id,
      createdAt: typeof createdAt === 'string' ? createdAt : '',
      updatedAt: typeof updatedAt === 'string' ? updatedAt : '',
      userAgent: typeof userAgent === 'string' && userAgent !== '' ? userAgent : null,
      isCurrent: isCurrent === true,
    },
  ];
}

export async function endSession(id: string): Promise<void> {
  await authRequest('/revoke-session', { token: id });
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
  return (await request(EXPORT_PATH)).text();
}

export async function deleteAccount(password: string | undefined): Promise<void> {
  await authRequest('/delete-user', password === undefined ? {} : { password });
}
