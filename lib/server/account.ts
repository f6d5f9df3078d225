import { config } from '#lib/config/config';
import type { RequestHeaders } from '#lib/http/http-request';
import { sessionKey } from '#lib/http/session-cookie';

/**
 * Whether a browser is signed in, for the frame of the pages. `none`: the server has no keys. Only
 * cookies count: a key in `Authorization` does not sign a browser in.
 */
export function accountOf(headers: RequestHeaders, nowMs: number): 'none' | 'signed_in' | 'signed_out' {
  const { API_KEYS: keys } = config();
  if (keys.length === 0) return 'none';
  return sessionKey(headers.get('cookie'), keys, nowMs) === undefined ? 'signed_out' : 'signed_in';
}
