import { ApiError, UNREACHABLE } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { reportSignal } from '#lib/browser/server-signals';
import { isErrorBody } from '#lib/browser/service-guards';
import { isRecord } from '#lib/browser/type-guards';
import { AUTH_STRINGS as STRINGS } from './auth-strings.ts';

/**
 * Requests of better-auth's own handler, whose errors are `{code, message}`
 * (https://better-auth.com/docs/concepts/api). Throws `ApiError` with the page's sentence.
 */
export async function authRequest(path: string, body?: object): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(
      `${API_BASE}/api/auth${path}`,
      body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
    );
  } catch {
    reportSignal('unreachable');
    throw new ApiError(STRINGS.failed, 0, UNREACHABLE);
  }
  // What was changed is changed also where the body is cut; who reads one checks its shape.
  const content: unknown = await response.json().catch(() => undefined);
  if (response.ok) return content;
  throw authError(response, content);
}

function authError({ status, headers }: Response, content: unknown): ApiError {
  const code = isRecord(content) && typeof content.code === 'string' ? content.code : 'unknown_error';
  const retryAfter = Number(headers.get('retry-after') ?? headers.get('x-retry-after') ?? Number.NaN);
  const seconds = Number.isFinite(retryAfter) ? retryAfter : undefined;
  const known = STRINGS.byCode(code);
  if (known !== undefined) return new ApiError(known, status, code, seconds);
  if (isErrorBody(content)) {
    if (status === 401) reportSignal('unauthorized');
    return new ApiError(content.error, status, content.code, seconds, content.data);
  }
  if (status === 429) return new ApiError(STRINGS.tooMany(seconds), status, 'too_many_attempts', seconds);
  if (status === 401) {
    reportSignal('unauthorized');
    return new ApiError(STRINGS.signedOut, status, 'signed_out');
  }
  return new ApiError(STRINGS.failed, status, 'auth_failed', seconds);
}
