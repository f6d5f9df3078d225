import { ApiError, request, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { errorSentence } from '#lib/browser/error-sentence';
import { hasShape } from '#lib/browser/type-guards';
import type { KeyLimitsChange } from '#lib/wire/limits';
import type { AccessKey, CreatedKey, KeyList, Me, NewKey } from '#lib/wire/people';
import type { UsageReport } from '#lib/wire/usage';
import { PEOPLE_STRINGS } from './strings.ts';

/** Requests of the account page and of the administration. */

export const isMe = hasShape<Me>({ user: 'object', auth: 'string', scopes: 'array', limits: 'array' });
export const isKeyList = hasShape<KeyList>({ keys: 'array' });
const KEY_SHAPE = { id: 'string', name: 'string', prefix: 'string', scopes: 'array', created_at: 'string' } as const;
export const isAccessKey = hasShape<AccessKey>(KEY_SHAPE);
export const isCreatedKey = hasShape<CreatedKey>({ ...KEY_SHAPE, key: 'string' });
export const isUsageReport = hasShape<UsageReport>({
  from: 'string',
  to: 'string',
  group_by: 'array',
  total: 'object',
  rows: 'array',
});

export function fetchMe(): Promise<Me> {
  return requestJson(isMe, `${API_BASE}/api/me`);
}

/** As many as a person may have. */
const MAX_KEYS = 100;

export function fetchKeys(): Promise<KeyList> {
  return requestJson(isKeyList, `${API_BASE}/api/keys?limit=${MAX_KEYS}`);
}

export function createKey(key: NewKey): Promise<CreatedKey> {
  return requestJson(isCreatedKey, `${API_BASE}/api/keys`, jsonRequest('POST', key));
}

/** Changes the limits of an own key that are named; null removes one. */
export function changeKeyLimits(id: string, limits: KeyLimitsChange): Promise<AccessKey> {
  const url = `${API_BASE}/api/keys/${encodeURIComponent(id)}`;
  return requestJson(isAccessKey, url, jsonRequest('PATCH', { limits }));
}

export async function revokeKey(id: string): Promise<void> {
  await request(`${API_BASE}/api/keys/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

/** `query` without a `?`. */
export function fetchUsage(path: string, query: URLSearchParams): Promise<UsageReport> {
  return requestJson(isUsageReport, `${API_BASE}${path}?${query}`);
}

export function jsonRequest(method: 'POST' | 'PATCH' | 'PUT', body: unknown): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** The sentence of a failure for a toast. */
export function failureSentence(error: unknown): string {
  return error instanceof ApiError ? errorSentence(error) : PEOPLE_STRINGS.failed;
}
