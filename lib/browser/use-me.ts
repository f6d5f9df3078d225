import useSWR, { type SWRResponse } from 'swr';
import type { Me } from '#lib/wire/people';
import { requestJson } from './api-client.ts';
import { API_BASE } from './endpoints.ts';
import { isSignedOut } from './service-status.ts';
import { hasShape } from './type-guards.ts';

const isMe = hasShape<Me>({ user: 'object', auth: 'string', scopes: 'array', limits: 'array' });

const REFRESH_MS = 30_000;

/** Who uses this page. */
export function useMe(): SWRResponse<Me, Error> {
  return useSWR<Me, Error>('me', () => requestJson(isMe, `${API_BASE}/api/me`), {
    refreshInterval: REFRESH_MS,
    shouldRetryOnError: (error) => !isSignedOut(error),
  });
}

/** Whether a person may clear the caches. False until it is known who it is. */
export function mayClearCaches(me: Me | undefined): boolean {
  return me?.user.role === 'admin' && me.scopes.includes('admin');
}

/** Whether a person may load a model in advance. */
export function mayLoadModels(me: Me | undefined): boolean {
  return me !== undefined && me.user.role !== 'member' && me.scopes.includes('admin');
}
