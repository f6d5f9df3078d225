import { ApiError, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { hasShape } from '#lib/browser/type-guards';
import type { LimitKind, LimitList, LimitName, LimitScope, ScopedLimits } from '#lib/wire/limits';
import { jsonRequest } from '../people/people-api.ts';

export const LIMITS_PATH = `${API_BASE}/api/admin/limits`;

const isLimitList = hasShape<LimitList>({ limits: 'array' });
const isScopedLimits = hasShape<ScopedLimits>({ scope: 'object', limits: 'object', locked: 'array' });

export function fetchLimits(url: string): Promise<LimitList> {
  return requestJson(isLimitList, url);
}

export function scopeUrl({ kind, id }: LimitScope): string {
  return `${LIMITS_PATH}?${new URLSearchParams(kind === 'default' ? { kind } : { kind, id })}`;
}

/** The limits of one scope, empty if it has none. */
export async function fetchScope(scope: LimitScope): Promise<ScopedLimits> {
  const [found] = (await fetchLimits(scopeUrl(scope))).limits;
  if (found === undefined) throw new ApiError('', 404, 'not_found');
  return found;
}

export type LimitChanges = Partial<Record<LimitName, { limit: number; kind?: LimitKind } | null>>;

export function changeLimits(scope: LimitScope, limits: LimitChanges): Promise<ScopedLimits> {
  return requestJson(isScopedLimits, LIMITS_PATH, jsonRequest('PATCH', { scope, limits }));
}
