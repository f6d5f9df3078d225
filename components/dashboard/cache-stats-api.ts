import { jsonBody, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { isActionResult, isStats } from '#lib/browser/response-guards';
import type { ServerStats, StatsAction, StatsActionResult } from '#lib/wire/server-stats';

const TIMEOUT_MS = 10_000;

export function fetchStats(): Promise<ServerStats> {
  return requestJson(isStats, `${API_BASE}/api/cache-stats`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
}

export function performAction(action: StatsAction): Promise<StatsActionResult> {
  return requestJson(isActionResult, `${API_BASE}/api/cache-stats`, jsonBody(action));
}
